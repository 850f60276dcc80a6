"""The one logger, and the one place of metrics.

Stores are named by host, activations by id; nothing else of an activation is logged.
"""

from aws_lambda_powertools import Logger, Metrics

logger = Logger()
metrics = Metrics(namespace="Storelink")
