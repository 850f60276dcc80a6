"""The logger and the metrics.

A log line names stores by host and activations by id, and holds nothing else of an activation. Every line about an
activation has its id, from Magento's post to the event.
"""

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from storelink.config import config
from storelink.store import Store

NAMESPACE = "Storelink"

COUNTED = {
    "Connected": MetricUnit.Count,
    "HandshakeTime": MetricUnit.Seconds,
    "Failed": MetricUnit.Count,
    "NotAdmitted": MetricUnit.Count,
    "LimitReached": MetricUnit.Count,
}
"""Metrics of activations and their units. Dimensions: the stack; for a second one of the last three, the reason."""

logger = Logger()
metrics = Metrics(namespace=NAMESPACE)


def record_advanced(activation_id: str, store: Store, state: str) -> None:
    """Log a completed step."""
    logger.info("activation advanced", activation_id=activation_id, store=store.host, state=state)


def record_connected(activation_id: str, store: Store, seconds: float) -> None:
    """Log and count an activation that connected. seconds: since Magento's post."""
    logger.info("activation connected", activation_id=activation_id, store=store.host, seconds=seconds)
    _count("Connected", 1, activation_id)
    _count("HandshakeTime", seconds, activation_id)


def record_retry(activation_id: str, store: Store, reason: str, problem: str, seconds: int) -> None:
    """Log that a step is tried again. seconds: until then."""
    fields = {"activation_id": activation_id, "store": store.host, "reason": reason, "problem": problem}
    logger.warning("step is tried again", extra=fields | {"retry_in": seconds})


def record_failed(activation_id: str, store: Store, reason: str, problem: str) -> None:
    """Log and count an activation that failed, in all and by reason."""
    logger.warning("activation failed", activation_id=activation_id, store=store.host, reason=reason, problem=problem)
    _count("Failed", 1, activation_id)
    _count("Failed", 1, activation_id, reason=reason)


def record_not_admitted(store: Store, reason: str) -> None:
    """Log and count a post that was refused for its invitation, in all and by reason."""
    logger.warning("activation not admitted", store=store.host, reason=reason)
    _count("NotAdmitted", 1)
    _count("NotAdmitted", 1, reason=reason)


def record_limit_reached(activation_id: str, store: Store, reason: str, problem: str) -> None:
    """Log and count an activation that was refused or has to wait for a limit, in all and by reason."""
    logger.warning("limit reached", activation_id=activation_id, store=store.host, reason=reason, problem=problem)
    _count("LimitReached", 1, activation_id)
    _count("LimitReached", 1, activation_id, reason=reason)


def _count(name: str, value: float, activation_id: str = "", **dimensions: str) -> None:
    """Write a metric to the log in the embedded metric format, with the activation's id as metadata."""
    shared = {"service": logger.service, "stack": config.stack}
    with single_metric(name, COUNTED[name], value, namespace=NAMESPACE, default_dimensions=shared) as metric:
        for dimension, value_ in dimensions.items():
            metric.add_dimension(dimension, value_)
        if activation_id:
            metric.add_metadata("activation_id", activation_id)
