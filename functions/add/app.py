"""POST /connections: connects a store by the four values of an integration that has no callback URL."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import edge, entering
from storelink.activation import Entry
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Try the values at the store and have them kept. The answer names the activation that does it."""
    entry = Entry.from_request(edge.json_of(event))
    return edge.answer(202, entering.enter(entry).to_dict() | {"connection_id": entry.store.connection_id})
