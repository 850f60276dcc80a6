"""What Lambda tells a handler beside the event, where a handler is called without Lambda."""

import uuid
from types import SimpleNamespace


class Context(SimpleNamespace):
    """What Lambda tells a handler beside the event."""

    def __init__(self) -> None:
        super().__init__(
            function_name="function",
            memory_limit_in_mb=512,
            invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:function",
            aws_request_id=str(uuid.uuid4()),
        )

    def get_remaining_time_in_millis(self) -> int:
        """As much as a function has at its start."""
        return 20_000
