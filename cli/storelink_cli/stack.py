"""Which stack a command is about, and how it is reached: on AWS, or on this machine."""

import os
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from storelink import aws
from storelink.config import LOCAL_REGION, LOCAL_STACK, local_endpoint
from storelink_cli.api import Api
from storelink_cli.errors import Exit, Failure

_CONFIG = Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard"}, user_agent_extra="storelink-cli")


class Stack:
    """One stack of Storelink. Making it sets up this process's AWS session; AWS is called when it is needed."""

    def __init__(self, name: str, region: str | None, profile: str | None, is_local: bool) -> None:
        """is_local: the stack of `make serve`, whatever its name. Raises BotoCoreError."""
        self.is_local = is_local
        self.name = LOCAL_STACK if is_local else name
        keys: dict[str, Any] = {"profile_name": profile, "region_name": region}
        if is_local:
            os.environ["AWS_ENDPOINT_URL"] = local_endpoint()
            os.environ.pop("AWS_PROFILE", None)
            keys = {"region_name": LOCAL_REGION, "aws_access_key_id": "local", "aws_secret_access_key": "local"}
        boto3.setup_default_session(**keys)
        assert boto3.DEFAULT_SESSION is not None  # noqa: S101  made above
        self.session = boto3.DEFAULT_SESSION
        aws.client.cache_clear()

    def client(self, service: str) -> Any:
        """A client of an AWS service. Raises BotoCoreError."""
        return self.session.client(service, config=_CONFIG)  # type: ignore[call-overload]

    @property
    def region(self) -> str:
        """The stack's region."""
        return str(self.session.region_name)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name. Reading them sets what the layer needs to call stores as the stack does."""
        stack = self._described
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        os.environ |= {
            "STORELINK_STACK": self.name,
            "STORELINK_ALLOWED_PORTS": self.parameters.get("AllowedPorts", "443"),
            "STORELINK_ALLOW_PRIVATE_STORES": self.parameters.get("AllowPrivateStores", "false"),
            "STORELINK_CONNECTIONS_TABLE": outputs["ConnectionsTableName"],
            "STORELINK_KMS_KEY": outputs["EncryptionKeyArn"],
        }
        return outputs

    @property
    def parameters(self) -> dict[str, str]:
        """The stack's parameters by name."""
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in self._described.get("Parameters", [])}

    @cached_property
    def api(self) -> Api:
        """The operator's API."""
        return Api(self.outputs["CallbackUrl"].removesuffix("/callback"), self.session)

    @cached_property
    def _described(self) -> dict[str, Any]:
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if aws.error_code(error) != "ValidationError":
                raise
            problem = f"there is no stack {self.name} in {self.region}"
            hint = "Name it with --stack and its region with --region. --local uses the stack of `make serve`."
            raise Failure(Exit.AWS, "no-stack", problem, hint) from None
        return dict(stack)
