"""Runs one function without the emulator: an event a line comes in, an answer a line goes out."""

import importlib
import json
import os
import sys
import time
import traceback
import uuid
from types import SimpleNamespace
from typing import Any


def main() -> None:
    """Serve events until the input ends. What the function prints goes to standard error, as its log."""
    answers, sys.stdout = sys.stdout, sys.stderr
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        print(json.dumps(_answer(handler, json.loads(line))), file=answers, flush=True)


def _answer(handler: Any, event: Any) -> Any:
    try:
        return handler(event, _context(time.monotonic()))
    except Exception as error:
        traceback.print_exc()
        return {"errorType": type(error).__name__, "errorMessage": str(error)}


def _context(began: float) -> SimpleNamespace:
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    end = began + int(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"])
    return SimpleNamespace(
        function_name=name,
        memory_limit_in_mb=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        aws_request_id=str(uuid.uuid4()),
        get_remaining_time_in_millis=lambda: int((end - time.monotonic()) * 1000),
    )


if __name__ == "__main__":
    main()
