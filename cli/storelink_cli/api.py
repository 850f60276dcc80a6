"""A client of a stack's operator API; requests are signed for IAM (Signature Version 4)."""

from typing import Any
from urllib.parse import quote

import boto3
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError
from requests.auth import AuthBase

from storelink_cli.errors import Exit, Failure

TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and to wait for bytes. API Gateway itself gives up after 30."""

_CODES = {400: Exit.USAGE, 404: Exit.NOT_FOUND, 413: Exit.USAGE, 429: Exit.UNAVAILABLE}


class Api:
    """The API at `url`, called with the session's credentials."""

    def __init__(self, url: str, session: boto3.Session) -> None:
        self._url = url
        self._signature = _Signature(session)

    def get(self, *path: str, **query: Any) -> dict[str, Any]:
        """GET. query: parameters that are None are left out. Returns the JSON object. Raises Failure."""
        return self._call("GET", path, params=_given(query))

    def post(self, *path: str, **body: Any) -> dict[str, Any]:
        """POST. body: fields that are None are left out. Returns the JSON object. Raises Failure."""
        return self._call("POST", path, json=_given(body))

    def put(self, *path: str, **body: Any) -> dict[str, Any]:
        """PUT. Returns the JSON object. Raises Failure."""
        return self._call("PUT", path, json=body)

    def delete(self, *path: str, **body: Any) -> dict[str, Any]:
        """DELETE, with a body if there is one. Returns the JSON object. Raises Failure."""
        return self._call("DELETE", path, **({"json": body} if body else {}))

    def _call(self, method: str, path: tuple[str, ...], **options: Any) -> dict[str, Any]:
        url = "/".join([self._url, *(quote(part, safe="") for part in path)])
        try:
            response = requests.request(
                method, url, auth=self._signature, timeout=TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            problem = f"the stack's API does not answer ({type(error).__name__})"
            raise Failure(Exit.UNAVAILABLE, "unreachable", problem, "Try again.") from None
        try:
            body = response.json() if response.content else {}
        except ValueError:
            body = None
        if response.ok and isinstance(body, dict):
            return body
        raise _failure(response.status_code, body, f"{method} /{'/'.join(path)}")


class _Signature(AuthBase):
    """Signs a request as it is sent."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        headers = {name: request.headers[name] for name in ("Content-Type",) if name in request.headers}
        signed = AWSRequest(str(request.method), str(request.url), headers=headers, data=request.body)
        SigV4Auth(credentials.get_frozen_credentials(), "execute-api", self._session.region_name).add_auth(signed)
        request.headers.update(dict(signed.headers))
        return request


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _failure(status: int, body: Any, call: str) -> Failure:
    """The failure that an answer stands for, in the API's words where it has them."""
    if not isinstance(body, dict) or "error" not in body:
        if status == 403:
            hint = "docs/cli.md lists the permissions that the commands need."
            return Failure(Exit.AWS, "no-permission", f"AWS does not allow {call}", hint)
        if status == 404:
            problem = f"this stack does not have {call}"
            return Failure(Exit.AWS, "no-route", problem, "Deploy the version of Storelink that this tool is of.")
        return Failure(Exit.UNAVAILABLE, "unavailable", f"{call} was answered with {status}", "Try again.")
    code = _CODES.get(status, Exit.UNAVAILABLE if status >= 500 else Exit.REFUSED)
    fields = "; ".join(f"{name} {wrong}" for name, wrong in body.get("fields", {}).items())
    problem = fields or body.get("problem") or body["error"]
    return Failure(code, str(body["error"]), str(problem), str(body.get("advice", "")))
