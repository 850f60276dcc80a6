"""The one logger. Stores are named by host, activations by id; nothing else of an activation is logged."""

from aws_lambda_powertools import Logger

logger = Logger()
