"""Work in a thread of its own, beside what a context does."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def running(work: Callable[[threading.Event], None], patience: float | None = None) -> Iterator[None]:
    """Run some work while the context lasts. work: gets what is set at the end, and returns then.

    patience: seconds that its return is waited for; None for as long as it takes.
    """
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(patience)
