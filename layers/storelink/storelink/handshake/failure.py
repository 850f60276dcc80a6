"""How an activation ends whose steps kept failing."""

import json
from typing import Any

from storelink.errors import ADVICE
from storelink.models import ActivationId
from storelink.observability import logger
from storelink.state import activations, connections
from storelink.state.activations import Outcome


def record_failure(activation_id: ActivationId, error: dict[str, Any]) -> Outcome:
    """End an activation whose step kept failing. error: {"Error", "Cause"} as a state machine's Catch gives it."""
    reason, problem = _cause(error)
    logger.error("the steps did not come to an end", reason=reason, problem=problem)
    suspicious = connections.is_suspicious(activations.find(activation_id), reason)
    return connections.publish_outcome(activations.abandon(activation_id, reason, problem, suspicious))


def _cause(error: dict[str, Any]) -> tuple[str, str]:
    """Reason and problem of a step's last error: those of an error of ours, else the error's name."""
    try:
        text = str(json.loads(error["Cause"])["errorMessage"])
    except (KeyError, TypeError, ValueError):
        text = ""
    reason, _, problem = text.partition(": ")
    if reason in ADVICE:
        return reason, "" if problem == ADVICE[reason] else problem
    return "unfinished", str(error.get("Error", "unknown"))
