"""What a session sends, and what it refuses to send."""

from typing import Any

import pytest
import requests

import storelink
from storelink.errors import Invalid
from tests.client.conftest import Clock
from tests.store_double import StoreDouble


@pytest.mark.parametrize(
    ("url", "path", "target"),
    [
        ("V1/products/{sku}", {"sku": "AB/12"}, "/rest/V1/products/AB%2F12"),
        ("V1/products/{sku}", {"sku": "A#1?x=%2F"}, "/rest/V1/products/A%231%3Fx=%252F"),
        ("async/bulk/V1/products", None, "/rest/async/bulk/V1/products"),
        ("V1/products/A:B", None, "/rest/V1/products/A:B"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch", "head"])
def test_a_path_arrives_as_it_was_written(
    double: StoreDouble, method: str, url: str, path: dict[str, str] | None, target: str
) -> None:
    double.dialect = "laminas"
    assert getattr(double.session(), method)(url, path=path).status_code == 200
    assert [call.target for call in double.calls] == [target]


@pytest.mark.parametrize(
    "url", ["V1/products/A#1", "V1/orders/../customers/1", "rest/V1/../../admin", "V1//orders", "//V1/orders"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_path_that_would_lead_elsewhere_is_not_sent(double: StoreDouble, method: str, url: str) -> None:
    with pytest.raises(Invalid):
        double.session().request(method, url)
    assert double.calls == []


@pytest.mark.parametrize("data", ['{"a": 1}', b'{"a": 1}'])
def test_a_text_body_is_json(double: StoreDouble, data: Any) -> None:
    double.session().post("V1/orders", data=data)
    double.session().post("V1/orders", data="<a/>", headers={"content-type": "application/xml"})
    double.session().get("V1/orders")
    assert [call.headers.get("Content-Type") for call in double.calls] == ["application/json", "application/xml", None]


@pytest.mark.parametrize(
    "options",
    [
        {"auth": ("user", "password")},
        {"auth": requests.auth.HTTPBasicAuth("user", "password")},
        {"headers": {"Authorization": "Bearer token"}},
        {"headers": {"authorization": b"Bearer token"}},
    ],
)
def test_a_callers_own_authorization_is_refused(double: StoreDouble, options: Any) -> None:
    with pytest.raises(Invalid, match="Authorization"):
        double.session().get("V1/orders", **options)
    with pytest.raises(Invalid, match="Authorization"):
        double.session().prepared("GET", "V1/orders", **options)
    shop = double.session()
    shop.auth = options.get("auth")
    shop.headers.update(options.get("headers", {}))
    with pytest.raises(Invalid, match="Authorization"):
        shop.get("V1/orders")
    assert double.calls == []


def test_a_session_names_itself(double: StoreDouble) -> None:
    double.session().get("V1/orders")
    shop = double.session()
    shop.headers["User-Agent"] = "Vendor/1.0"
    shop.get("V1/orders")
    assert [call.headers["User-Agent"] for call in double.calls] == ["Storelink", "Vendor/1.0"]


class TestAnAnswer:
    @pytest.mark.parametrize(("status", "is_ok"), [(200, True), (202, True), (302, True), (400, False), (404, False)])
    def test_is_true_as_requests_has_it(self, double: StoreDouble, status: int, is_ok: bool) -> None:
        double.answers((status, {}))
        answer = double.session().post("V1/orders", json={})
        assert (answer.ok, bool(answer)) == (is_ok, is_ok)

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, storelink.CallRefused),
            (401, storelink.NotAuthorized),
            (404, storelink.NotFound),
            (429, storelink.NotNow),
            (503, storelink.NotNow),
        ],
    )
    def test_that_is_an_error_is_one_of_requests_too(
        self, double: StoreDouble, status: int, kind: type[Exception]
    ) -> None:
        double.answers((status, {"message": "No."}))
        answer = double.session().post("V1/orders", json={})
        with pytest.raises(requests.HTTPError) as as_requests:
            answer.raise_for_status()
        with pytest.raises(kind) as own:
            answer.raise_for_status()
        assert as_requests.value.response is own.value.response is answer  # type: ignore[attr-defined]
        assert isinstance(as_requests.value, storelink.CallFailed)
        assert as_requests.value.problem == "No."
        assert str(as_requests.value) == str(own.value)
        assert type(own.value).__name__ == kind.__name__

    def test_that_a_slash_in_the_path_is_not_found_names_the_web_server(self, double: StoreDouble) -> None:
        double.answers((404, b"<html>Not Found</html>", {"Content-Type": "text/html"}))
        shop = double.session()
        with pytest.raises(storelink.NotFound) as missing:
            shop.get("V1/products/{sku}", path={"sku": "A/B"}).raise_for_status()
        assert missing.value.reason == "encoded-slash"
        assert "AllowEncodedSlashes" in missing.value.advice
        with pytest.raises(storelink.NotFound) as missing:
            shop.get("V1/products/A").raise_for_status()
        assert missing.value.reason == "call-not-found"


class TestNoAnswer:
    def test_is_a_connection_error_of_requests(self, double: StoreDouble) -> None:
        shop = double.session(patience=0)
        double.server.server_close()
        with pytest.raises(requests.ConnectionError) as failed:
            shop.get("V1/orders")
        assert isinstance(failed.value, storelink.Unavailable)

    @pytest.mark.parametrize("options", [{"timeout": 0.05}, {"max_seconds": 0.05}])
    def test_in_time_is_a_timeout_of_requests(self, double: StoreDouble, options: Any) -> None:
        release = double.hold()
        shop = double.session(patience=0)
        vars(shop).update(options)
        with pytest.raises(requests.Timeout) as failed:
            shop.get("V1/orders")
        release()
        assert isinstance(failed.value, storelink.Unavailable)

    def test_is_tried_again_for_a_call_that_reads(self, double: StoreDouble, clock: Clock) -> None:
        double.answers((503, {}), (502, {}), (200, {}))
        assert double.session().get("V1/orders").status_code == 200
        assert len(double.calls) == 3
        double.answers((503, {}))
        assert double.session().post("V1/orders", json={}).status_code == 503
        assert len(double.calls) == 4


def test_an_error_keeps_what_storelink_says_of_it(double: StoreDouble) -> None:
    double.answers(
        (401, {"message": "The consumer isn't authorized to access %resources.", "parameters": {"resources": "A::b"}})
    )
    with pytest.raises(requests.HTTPError) as refused:
        double.session().get("V1/orders").raise_for_status()
    error = refused.value
    assert isinstance(error, storelink.NotAuthorized)
    assert (error.status, error.resource, error.reason) == (401, "A::b", "forbidden")
    assert error.advice
    assert error.request is error.response.request
