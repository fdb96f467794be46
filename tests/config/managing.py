from __future__ import annotations

import os
import subprocess
import sys

from tests.architecture.sources import ROOT


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A management command as a process of its own, with these variables set; it may fail."""
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
