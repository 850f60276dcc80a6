"""The operator's API of a stack, called as IAM wants it (Signature Version 4)."""

from typing import Any
from urllib.parse import quote

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from requests.auth import AuthBase

from storelink_cli.exits import Exit, Failure, aws_failure

TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and of silence; API Gateway itself gives up after 30."""


class Api:
    """The API at `url`, called with this session's credentials."""

    def __init__(self, url: str, session: boto3.Session) -> None:
        self._url = url
        self._signature = _Signature(session)

    def get(self, *path: str, **query: Any) -> dict[str, Any]:
        """What a GET answers. query: those that are None are left out. Raises Failure, as the others do."""
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, *path: str, **body: Any) -> dict[str, Any]:
        """What a POST answers. body: fields that are None are left out."""
        return self._call("POST", path, json={name: value for name, value in body.items() if value is not None})

    def delete(self, *path: str) -> dict[str, Any]:
        """What a DELETE answers."""
        return self._call("DELETE", path)

    def _call(self, method: str, path: tuple[str, ...], **more: Any) -> dict[str, Any]:
        url = "/".join([self._url, *(quote(part, safe="") for part in path)])
        try:
            answer = requests.request(method, url, auth=self._signature, timeout=TIMEOUT, allow_redirects=False, **more)
        except requests.RequestException as error:
            raise Failure(
                Exit.UNAVAILABLE,
                "unreachable",
                f"the stack's API does not answer ({type(error).__name__})",
                "Try again.",
            ) from None
        try:
            told = answer.json() if answer.content else {}
        except ValueError:
            told = {}
        if not isinstance(told, dict):
            told = {}
        if answer.ok:
            return told
        raise _failure(answer.status_code, told, f"{method} /{'/'.join(path)}")


class _Signature(AuthBase):
    """Signs a request as the last thing before it goes."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise aws_failure(NoCredentialsError(), local=False)
        kept = {name: request.headers[name] for name in ("Content-Type",) if name in request.headers}
        signed = AWSRequest(str(request.method), str(request.url), headers=kept, data=request.body)
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", self._session.region_name).add_auth(signed)
        request.headers.update(dict(signed.headers))
        return request


def _failure(status: int, told: dict[str, Any], call: str) -> Failure:
    """What an answer that is not one ends a command with: its own words where it has them."""
    if "error" not in told:
        if status == 403:
            return Failure(
                Exit.AWS, "no-permission", f"AWS does not allow {call}", "docs/cli.md has the policy that it takes."
            )
        if status == 404:
            return Failure(
                Exit.AWS, "no-route", f"this stack does not know {call}", "Deploy this version of Storelink."
            )
        return Failure(Exit.UNAVAILABLE, "unavailable", f"{call} was answered {status}", "Try again.")
    codes = {400: Exit.USAGE, 404: Exit.NOT_FOUND, 413: Exit.USAGE, 429: Exit.UNAVAILABLE}
    code = codes.get(status, Exit.UNAVAILABLE if status >= 500 else Exit.REFUSED)
    fields = "; ".join(f"{name} {wrong}" for name, wrong in told.get("fields", {}).items())
    problem = fields or told.get("problem") or told["error"]
    return Failure(code, str(told["error"]), str(problem), str(told.get("advice", "")))
