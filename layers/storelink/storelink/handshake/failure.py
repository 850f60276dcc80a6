"""The end of an activation whose steps keep failing."""

import json
from typing import Any

from storelink.errors import ADVICE
from storelink.models import ActivationId
from storelink.observability import logger
from storelink.state import activations, failures
from storelink.state.activations import Outcome


def record_failure(activation_id: ActivationId, error: dict[str, Any]) -> Outcome:
    """End an activation whose step kept failing. error: {"Error", "Cause"} as a state machine's Catch gives it.

    Raises Invalid when there is no such activation, Unavailable.
    """
    reason, problem = _cause(error)
    logger.error("the handshake did not finish", reason=reason, problem=problem)
    return failures.abandon(activations.find(activation_id), activation_id, reason, problem)


def _cause(error: dict[str, Any]) -> tuple[str, str]:
    """Reason and problem of a step's last error: those of an error of ours, otherwise the error's name."""
    try:
        text = str(json.loads(error["Cause"])["errorMessage"])
    except (KeyError, TypeError, ValueError):
        text = ""
    reason, _, problem = text.partition(": ")
    if reason in ADVICE:
        return reason, "" if problem == ADVICE[reason] else problem
    return "unfinished", str(error.get("Error", "unknown"))
