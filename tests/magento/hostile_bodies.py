"""Bodies of 64 KiB and less that make a careless reader work for minutes, recurse without end or fill the memory."""

import contextlib
import gc
import json
import time
from collections.abc import Callable
from typing import Any

from storelink.errors import StorelinkError

SIZE = 64 * 1024
LITTLE = 0.05
"""Seconds of the processor's time that any of them may cost."""


def processor_time(read: Callable[[], object]) -> float:
    """Seconds of the processor's time that a reading costs, the least of three; what the test process holds aside."""
    gc.freeze()
    costs = []
    for _ in range(3):
        began = time.thread_time()
        with contextlib.suppress(StorelinkError):
            read()
        costs.append(time.thread_time() - began)
    gc.unfreeze()
    return min(costs)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


BODIES = {
    "each place filled with a long value": _json({"message": "%1" * 16_000, "parameters": ["x" * 32_000]}),
    "each place filled with a long list": _json({"message": "%1" * 8_000, "parameters": [["x" * 2_000] * 20]}),
    "each place filled with nothing": _json({"message": "%1" * 32_000, "parameters": [[]]}),
    "each place named": _json({"message": "%a" * 16_000, "parameters": {"a": "y" * 33_000}}),
    "places without a value": _json({"message": "%a" * 32_000}),
    "thousands of errors": _json({"message": "m", "errors": [{"message": "x"}] * 3_600}),
    "thousands of fatal errors": _json({"messages": {"error": [{"code": 500, "message": "x"}] * 2_000}}),
    "long errors": _json({"errors": [{"message": "%1" * 1_000, "parameters": ["z" * 1_000]}] * 20}),
    "errors within errors, 1,500 deep": b'{"message":"a","errors":[' * 1_500 + b"{}" + b"]}" * 1_500,
    "errors within errors, as deep as fits": b'{"errors":[' * 5_000 + b"{}" + b"]}" * 5_000,
    "lists, 1,500 deep": b"[" * 1_500 + b"]" * 1_500,
    "lists, as deep as fits": b"[" * 32_000 + b"]" * 32_000,
    "lists without an end": b"[" * SIZE,
    "objects without an end": b'{"a":' * 13_000,
    "a value 900 deep": b'{"message":"%1","parameters":[' + b"[" * 900 + b"]" * 900 + b"]}",
    "a value 20,000 deep": b'{"message":"%1","parameters":[' + b"[" * 20_000 + b"]" * 20_000 + b"]}",
    "a number of 64,000 digits": b"9" * SIZE,
    "numbers of 4,300 digits": b"[" + b",".join([b"9" * 4_300] * 15) + b"]",
    "numbers with long fractions": b"[" + b",".join([b"1" * 4_000 + b"e-9"] * 16) + b"]",
    "escapes": b'{"message":"' + b"\\u0041" * 10_900 + b'"}',
    "halves of characters": b'{"message":"' + b"\\ud800" * 10_900 + b'"}',
    "backslashes": b'{"message":"' + b"\\\\" * 32_000 + b'"}',
    "a message that is cut off": b'{"message":"' + b"a" * SIZE,
    "a message that is cut off in an escape": b'{"message":"' + b"\\" * SIZE,
    "what looks like tokens": b'{"message":"' + (b"a1" * 16 + b" ") * 1_900 + b'"}',
    "what looks like a JWT": b'{"message":"' + b"eyJa." * 13_000 + b'"}',
    "fields of a token": b"oauth_token=" * 5_400,
    "fields of a problem": b"oauth_problem=" * 4_600,
    "a long problem": b"oauth_problem=" + b"%20" * 20_000,
    "a problem about the method": b"oauth_problem=Signature+method+" + b"x+" * 30_000,
    "a form of many fields": b"a=b&" * 16_000,
    "spaces": b" " * SIZE,
    "byte order marks": b"\xef\xbb\xbf" * 21_000,
    "zeros": bytes(SIZE),
    "no UTF-8": b"\xff" * SIZE,
    "line ends before a word": b"\n" * 60_000 + b"internal_error",
    "tags": b"<p>" * 21_000,
    "words": b"word " * 13_000,
    "empty lists": b"[" + b"[]," * 21_000 + b"[]]",
    "empty objects": b"[" + b"{}," * 21_000 + b"{}]",
    "many names": _json({str(number): 1 for number in range(6_500)}),
    "types that nobody expects": _json({"message": {"a": 1}, "parameters": 7, "errors": {"message": 1}, "messages": 1}),
    "names and values of every type": _json({"message": "%1 %2 %3", "parameters": [None, 1e400, {"a": []}, True]}),
}
