"""`storelink` in a terminal."""

import os
import pty
import select
import signal
import termios
import time

from tests.cli.conftest import SCRIPT


class Terminal:
    """`storelink` in a terminal, and what a person sees there."""

    def __init__(self, *arguments: str, columns: int = 100) -> None:
        self._pid, self._screen = pty.fork()
        if self._pid == 0:
            termios.tcsetwinsize(0, (200, columns))
            plain = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
            os.execve(SCRIPT, [str(SCRIPT), *arguments], plain)
        self.seen = ""

    def until(self, words: str) -> str:
        """What is seen when these words are there."""
        end = time.monotonic() + 30
        while words not in self.seen:
            assert self._read(), self.seen
            assert time.monotonic() < end, self.seen[-5000:]
        return self.seen

    def type(self, line: str, hidden: bool = False) -> None:
        """Type a line. hidden: once the terminal no longer shows what is typed; it drops what was typed before."""
        end = time.monotonic() + 20
        while hidden and termios.tcgetattr(self._screen)[3] & termios.ECHO:
            assert time.monotonic() < end
            time.sleep(0.01)
        os.write(self._screen, f"{line}\n".encode())

    def interrupt(self) -> None:
        os.write(self._screen, b"\x03")

    def code(self) -> int:
        """The exit code, when the command has ended."""
        while self._read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> bool:
        """Read what comes next; False at the end."""
        if not select.select([self._screen], [], [], 20)[0]:
            os.kill(self._pid, signal.SIGKILL)
            raise AssertionError(f"nothing more came: {self.seen}")
        try:
            more = os.read(self._screen, 4096).decode(errors="replace")
        except OSError:  # on Linux: the other side is closed
            more = ""
        self.seen += more
        return bool(more)
