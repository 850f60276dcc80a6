"""Executions of the state machine, one an activation and named after it."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink.config import required
from storelink.models import ActivationId


def start_execution(activation_id: ActivationId, reached: str = "pending") -> None:
    """Have an activation's steps run. Starting it again is harmless and mends a start that was lost.

    reached: pending, or exchanged where the access step alone is left. Raises Unavailable.
    """
    beside = {} if reached == "pending" else {"reached": reached}
    _start(str(activation_id), {"activation_id": str(activation_id), **beside})


def start_access_step(activation_id: ActivationId, turn: str) -> bool:
    """Have the access step alone run again, for a token that waits on the row. False: this turn was taken already.

    turn: one run each is made, as 2026093014. Raises Unavailable.
    """
    return _start(f"{activation_id}-{turn}", {"activation_id": str(activation_id), "reached": "exchanged"})


def _start(name: str, told: dict[str, str]) -> bool:
    try:
        aws.client("stepfunctions").start_execution(
            stateMachineArn=required("STORELINK_STATE_MACHINE"), name=name, input=json.dumps(told)
        )
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and aws.error_code(error) == "ExecutionAlreadyExists":
            return False
        raise aws.unavailable(error, "Step Functions") from None
    return True
