"""What Lambda gives a handler beside the event, where a handler runs without the emulator."""

import time
import uuid

ACCOUNT = "123456789012"


class LambdaContext:
    """Lambda's context object, with the attributes that Powertools reads.

    name: the function's name. memory: megabytes. timeout: seconds from now until the function has to end.
    """

    def __init__(self, name: str = "function", memory: int = 512, timeout: float = 20.0) -> None:
        self.function_name = name
        self.memory_limit_in_mb = memory
        self.invoked_function_arn = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:{name}"
        self.aws_request_id = str(uuid.uuid4())
        self._end = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left until the function's timeout."""
        return int((self._end - time.monotonic()) * 1000)
