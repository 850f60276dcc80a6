"""mypy, as an app's author runs it, over pieces of documentation and examples."""

import os
import subprocess
import sys
from pathlib import Path

from local.template import ROOT


def mypy(folder: Path, *arguments: str, python: Path | str = sys.executable, path: str = "") -> tuple[int, str]:
    """Its exit code, and what it says. python: whose packages it sees. All runs share what they know of packages."""
    options = ["--strict", "--config-file=", "--python-executable", str(python)]
    options += ["--cache-dir", str(ROOT / ".mypy_cache" / "typed")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"MYPYPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr
