"""Run by a schedule, and POST /connections/{connection_id}/test: whether stores still take our calls."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink import checking, edge
from storelink.observing import logger


@logger.inject_lambda_context(clear_state=True)
@edge.answers
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Check the connection that the path names, or those that are due. What was seen, or how many."""
    connection_id = edge.path_parameter(event, "connection_id")
    if connection_id is not None:
        return checking.test(connection_id)
    return checking.check(context.get_remaining_time_in_millis)
