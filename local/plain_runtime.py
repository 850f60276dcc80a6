"""Runs one function without the emulator: reads one event a line, writes one answer a line."""

import importlib
import json
import os
import sys
import traceback
from typing import Any

from local.lambda_context import LambdaContext


def main() -> None:
    """Serve events until the input ends. What the function prints goes to standard error, which is its log."""
    answers, sys.stdout = sys.stdout, sys.stderr
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    for line in sys.stdin:
        print(json.dumps(_answer(handler, json.loads(line))), file=answers, flush=True)


def _answer(handler: Any, event: Any) -> Any:
    try:
        return handler(event, _context())
    except Exception as error:
        traceback.print_exc()
        return {"errorType": type(error).__name__, "errorMessage": str(error)}


def _context() -> LambdaContext:
    return LambdaContext(
        os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        memory=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        timeout=int(os.environ["AWS_LAMBDA_FUNCTION_TIMEOUT"]),
    )


if __name__ == "__main__":
    main()
