"""Storelink's errors as requests' too, so that code written for requests catches them.

    NotFound, CallRefused, …          also requests.HTTPError (`response` is the answer)
    NotJSON                           also requests.JSONDecodeError
    Unavailable, Rejected             also requests.ConnectionError, Timeout or SSLError, where no answer came

Classes of `storelink.errors` load no requests, as functions start without it. So each is combined with requests' where
it is raised, under its own name: `except storelink.NotFound` and `except requests.HTTPError` both catch it.
"""

from functools import cache

import requests
from requests.exceptions import ConnectionError, RequestException, SSLError, Timeout  # noqa: A004  requests' own

from storelink.errors import NotJSON, Rejected, StorelinkError, Unavailable
from storelink.magento import errors as magento_errors


@cache
def _combined(kind: type[StorelinkError], of_requests: type[RequestException]) -> type[StorelinkError]:
    return type(kind.__name__, (kind, of_requests), {"__module__": kind.__module__, "__doc__": kind.__doc__})


def for_requests(
    error: StorelinkError, of_requests: type[RequestException], response: requests.Response | None = None
) -> StorelinkError:
    """The same error, also of a class of requests'. response: the answer, where one came."""
    combined = _combined(type(error), of_requests)  # type: ignore[arg-type]  # classes are hashable
    made = combined.__new__(combined, *error.args)
    vars(made).update(vars(error), response=response, request=response.request if response is not None else None)
    made.args = error.args
    return made


def http_error(error: StorelinkError, response: requests.Response) -> StorelinkError:
    """The same error, also a `requests.HTTPError`."""
    return for_requests(error, requests.HTTPError, response)


def json_error(error: NotJSON, response: requests.Response) -> StorelinkError:
    """The same error, also a `requests.JSONDecodeError`."""
    made = for_requests(error, requests.JSONDecodeError, response)
    vars(made).update(msg=error.problem, doc="", pos=0, lineno=1, colno=1)
    return made


def no_answer(error: Rejected | Unavailable, method: str) -> StorelinkError:
    """The error of a REST call that got no whole answer, also of requests' class for it.

    error: what the guard says of it. method: HTTP's.
    """
    cause = error.__context__
    explained = magento_errors.no_answer(error, method) if isinstance(error, Unavailable) else error
    if isinstance(cause, RequestException):
        return for_requests(explained, type(cause))
    if isinstance(error, Unavailable):
        return for_requests(explained, Timeout if error.limit == "time" else ConnectionError)
    return for_requests(error, SSLError) if error.reason == "certificate-invalid" else error
