"""Bulk calls: what is sent, how they are followed, and what is said of each item."""

import json
from typing import Any

import pytest

import storelink
from storelink.errors import Invalid
from tests.client.conftest import Clock
from tests.store_double import Call, StoreDouble

ITEMS = [{"product": {"sku": sku}} for sku in ("a", "b", "c", "d")]


class Bulk:
    """A store that takes a bulk. rejected: the items it does not take; states: their operations, look by look."""

    def __init__(self, *states: dict[int, tuple[int, str]], rejected: dict[int, str] | None = None) -> None:
        self.states = list(states)
        self.rejected = rejected or {}

    def __call__(self, call: Call) -> tuple[int, Any]:
        if call.method == "GET":
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            operations = [
                {"id": index, "status": status, "result_message": words, "error_code": None}
                for index, (status, words) in state.items()
            ]
            return 200, {"bulk_id": "uuid-1", "operations_list": operations}
        items = [
            {"id": index, "status": "rejected", "error_message": self.rejected[index], "error_code": 0}
            if index in self.rejected
            else {"id": index, "status": "accepted"}
            for index in range(len(json.loads(call.body)))
        ]
        return 202, {"bulk_uuid": "uuid-1", "request_items": items, "errors": bool(self.rejected)}


OPEN, DONE = (4, ""), (1, "ok")


def test_a_bulk_is_followed_until_all_is_done(double: StoreDouble, clock: Clock) -> None:
    double.dialect = "native"
    double.answer = Bulk(
        dict.fromkeys(range(4), OPEN), {0: DONE, 1: OPEN, 2: OPEN, 3: OPEN}, dict.fromkeys(range(4), DONE)
    )
    seen: list[tuple[int, int]] = []
    shop = double.session(store_view="all") if False else double.session()
    done = shop.bulk("products", ITEMS, progress=lambda now: seen.append((len(now.completed), len(now.open))))
    assert [one.item for one in done.completed] == ITEMS
    assert (done.uuid, done.failed, done.open) == ("uuid-1", [], [])
    assert seen == [(0, 4), (1, 3), (4, 0)]
    assert clock.waits == [0.5, 1.0]
    first, *looks = double.calls
    assert (first.method, first.path, json.loads(first.body)) == ("POST", "/rest/async/bulk/V1/products", ITEMS)
    assert {look.path for look in looks} == {"/rest/V1/bulk/uuid-1/status"}
    done.raise_for_status()


def test_what_was_rejected_and_what_failed_is_named(double: StoreDouble, clock: Clock) -> None:
    states = {0: DONE, 2: (3, "The SKU\n is wrong."), 3: (2, "Deadlock")}
    double.answer = Bulk(states, rejected={1: "Error processing 1 element of input data"})
    done = double.session().bulk("V1/products", ITEMS, method="PUT")
    assert double.calls[0].method == "PUT"
    assert [(one.index, one.status, one.message) for one in done.failed] == [
        (1, "rejected", "Error processing 1 element of input data"),
        (2, "failed", "The SKU is wrong."),
        (3, "failed", "Deadlock"),
    ]
    with pytest.raises(storelink.CallRefused, match="item 2: The SKU is wrong") as refused:
        done.raise_for_status()
    assert refused.value.reason == "bulk-rejected"


def test_a_bulk_of_which_nothing_was_taken_is_not_followed(double: StoreDouble) -> None:
    double.answer = Bulk(rejected=dict.fromkeys(range(4), "No."))
    assert len(double.session().bulk("products", ITEMS).failed) == 4
    assert len(double.calls) == 1


def test_a_bulk_that_is_not_done_in_time_says_how_far_it_is(double: StoreDouble, clock: Clock) -> None:
    double.answer = Bulk({0: DONE, 1: OPEN, 2: OPEN})
    with pytest.raises(storelink.Unavailable, match="3 of 4 items are open after 60 s; bulk uuid-1") as late:
        double.session().bulk("products", ITEMS, timeout=60)
    assert late.value.reason == "bulk-unfinished"
    assert sum(clock.waits) <= 60


def test_a_refused_bulk_is_raised(double: StoreDouble) -> None:
    double.answers((401, {"message": "The consumer isn't authorized to access %1.", "parameters": ["A::b"]}))
    with pytest.raises(storelink.NotAuthorized):
        double.session().bulk("products", ITEMS)
    with pytest.raises(Invalid, match="items"):
        double.session().bulk("products", [])


@pytest.mark.parametrize(
    "answer",
    [
        (202, {}),
        (202, []),
        (200, True),
        (202, b"<html>"),
        (202, {"bulk_uuid": "u", "request_items": [{"id": 9, "status": "rejected"}]}),
    ],
)
def test_an_answer_that_is_no_bulks_says_so(double: StoreDouble, answer: Any) -> None:
    double.answers(answer)
    with pytest.raises(storelink.CallFailed) as refused:
        double.session().bulk("products", ITEMS)
    assert refused.value.reason in ("no-bulk", "not-json")


class TestAnAcceptedCall:
    """A 202 that was asked for without `bulk`."""

    def test_with_errors_is_no_success(self, double: StoreDouble) -> None:
        double.answer = Bulk(rejected={2: "Wrong."})
        answer = double.session().post("async/bulk/V1/products", json=ITEMS)
        assert answer.status_code == 202
        assert not answer
        with pytest.raises(storelink.CallRefused, match="1 rejected: item 2: Wrong") as refused:
            answer.raise_for_status()
        assert refused.value.status == 202

    def test_without_errors_is_one(self, double: StoreDouble) -> None:
        double.answer = Bulk({})
        answer = double.session().post("async/bulk/V1/products", json=ITEMS)
        assert answer
        answer.raise_for_status()
