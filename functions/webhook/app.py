"""Run for each event where WebhookUrl is set: posts it to the app, signed."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storelink.jobs import webhook
from storelink.observability import logger


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Post the events of a batch of SQS messages. Which of the messages are to be received again."""
    return webhook.deliver(event["Records"])
