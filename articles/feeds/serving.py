"""How a process that reads documents for us talks: documents on standard input, a line of JSON for each on its output.

Before each document comes a line of JSON that says how long it is and where it is from. Whatever goes wrong ends the
process. Imports no Django, and sees none of our secrets.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from typing import Any


def serve(read: Callable[[bytes, dict[str, Any]], dict[str, Any]], *, seconds: int, megabytes: int) -> None:
    """Answer each document with what ``read`` makes of it, within so much processor time and memory."""
    if sys.platform == "linux":  # elsewhere the limit is unknown or counts what is only mapped
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)
    for line in sys.stdin.buffer:
        order = json.loads(line)
        data = sys.stdin.buffer.read(order["length"])
        _allow_processor_time(seconds)
        sys.stdout.write(json.dumps(read(data, order)) + "\n")
        sys.stdout.flush()


def _allow_processor_time(seconds: int) -> None:
    """This much more than what was used so far; then the system ends the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
