"""The one logger, and the one place of metrics.

Stores are named by host, activations by id; nothing else of an activation is logged. Every line about an activation
has its id, from Magento's post to the event.
"""

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from storelink.config import required
from storelink.store import Store

NAMESPACE = "Storelink"

COUNTED = {"Connected": MetricUnit.Count, "HandshakeTime": MetricUnit.Seconds, "Failed": MetricUnit.Count}
"""The metrics of activations, with their units. Their dimensions are the stack and, of `Failed` once more, the reason,
of which there are as many as in errors.ADVICE."""

logger = Logger()
metrics = Metrics(namespace=NAMESPACE)


def record_advanced(activation_id: str, store: Store, state: str) -> None:
    """Log a step that is done."""
    logger.info("activation advanced", activation_id=activation_id, store=store.host, state=state)


def record_connected(activation_id: str, store: Store, seconds: float) -> None:
    """Log and count an activation that connected. seconds: from Magento's post to here."""
    logger.info("activation connected", activation_id=activation_id, store=store.host, seconds=seconds)
    _count("Connected", 1, activation_id)
    _count("HandshakeTime", seconds, activation_id)


def record_failed(activation_id: str, store: Store, reason: str, problem: str) -> None:
    """Log and count an activation that failed, by its reason, too."""
    logger.warning("activation failed", activation_id=activation_id, store=store.host, reason=reason, problem=problem)
    _count("Failed", 1, activation_id)
    _count("Failed", 1, activation_id, reason=reason)


def _count(name: str, value: float, activation_id: str, **dimensions: str) -> None:
    """Write a metric into the log, in the embedded metric format; the activation stands beside it."""
    shared = {"service": logger.service, "stack": required("STORELINK_STACK")}
    with single_metric(name, COUNTED[name], value, namespace=NAMESPACE, default_dimensions=shared) as metric:
        for dimension, told in dimensions.items():
            metric.add_dimension(dimension, told)
        metric.add_metadata("activation_id", activation_id)
