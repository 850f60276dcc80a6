"""Which stack a command is about, and how it is reached: on AWS, or on this machine."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from storelink import aws
from storelink_cli.api import Api
from storelink_cli.exits import Exit, Failure, aws_failure

LOCAL_STACK = "storelink-local"
LOCAL_REGION = "eu-central-1"
LOCAL_PORT = "5000"
"""Where `make serve` has AWS; AWS_PORT says another place, as it does there."""


@dataclass(frozen=True)
class Where:
    """What the options of every command say. stack: its name. local: the one of `make serve`."""

    stack: str
    region: str | None
    profile: str | None
    local: bool


class Stack:
    """One stack of Storelink. Making it sets up this process's AWS; nothing is asked before it is needed."""

    def __init__(self, where: Where) -> None:
        self._local = where.local
        self.name = LOCAL_STACK if where.local else where.stack
        keys: dict[str, Any] = {"profile_name": where.profile, "region_name": where.region}
        if where.local:
            os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{os.environ.get('AWS_PORT') or LOCAL_PORT}"
            os.environ.pop("AWS_PROFILE", None)
            keys = {"region_name": LOCAL_REGION, "aws_access_key_id": "local", "aws_secret_access_key": "local"}
        try:
            boto3.setup_default_session(**keys)
        except BotoCoreError as error:
            raise aws_failure(error, where.local) from None
        aws.client.cache_clear()

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name. From here on the layer finds credentials and calls stores as the stack does."""
        made = self._described()
        parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in made.get("Parameters", [])}
        outputs = {one["OutputKey"]: one["OutputValue"] for one in made.get("Outputs", [])}
        os.environ |= {
            "STORELINK_STACK": self.name,
            "STORELINK_ALLOWED_PORTS": parameters.get("AllowedPorts", "443"),
            "STORELINK_ALLOW_PRIVATE_STORES": parameters.get("AllowPrivateStores", "false"),
            "STORELINK_CONNECTIONS_TABLE": outputs["ConnectionsTableName"],
            "STORELINK_KMS_KEY": outputs["EncryptionKeyArn"],
        }
        return outputs

    @cached_property
    def api(self) -> Api:
        """The operator's API."""
        session = boto3.DEFAULT_SESSION
        assert session is not None  # noqa: S101  made in __init__
        return Api(self.outputs["CallbackUrl"].removesuffix("/callback"), session)

    def _described(self) -> dict[str, Any]:
        try:
            (made,) = aws.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and aws.error_code(error) == "ValidationError":
                raise Failure(
                    Exit.AWS,
                    "no-stack",
                    f"there is no stack {self.name} in {aws.client('cloudformation').meta.region_name}",
                    "Name it with --stack, its region with --region; --local is for the one of `make serve`.",
                ) from None
            raise aws_failure(error, self._local) from None
        told: dict[str, Any] = made
        return told
