"""Executions of the state machine, named after activations."""

import json

from botocore.exceptions import ClientError

from storelink import aws
from storelink.config import config
from storelink.models import ActivationId


def start_execution(activation_id: ActivationId, reached: str = "pending") -> None:
    """Start the steps of an activation. Starting them twice is harmless, and repairs a start that was lost.

    reached: pending, or exchanged when only the access step is left. Raises Unavailable.
    """
    more = {} if reached == "pending" else {"reached": reached}
    _start(str(activation_id), {"activation_id": str(activation_id), **more})


def start_access_step(activation_id: ActivationId, turn: str) -> bool:
    """Start the access step alone, once for each turn, such as 2026093014. False when this turn was started before.

    Raises Unavailable.
    """
    return _start(f"{activation_id}-{turn}", {"activation_id": str(activation_id), "reached": "exchanged"})


def _start(name: str, execution_input: dict[str, str]) -> bool:
    with aws.errors("Step Functions"):
        try:
            aws.client("stepfunctions").start_execution(
                stateMachineArn=config.state_machine, name=name, input=json.dumps(execution_input)
            )
        except ClientError as error:
            if aws.error_code(error) == "ExecutionAlreadyExists":
                return False
            raise
    return True
