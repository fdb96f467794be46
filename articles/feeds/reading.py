"""The feed reader's own process: documents on standard input, one line of JSON for each on standard output.

Runs as ``python -m articles.feeds.reading SECONDS MEGABYTES MAX_ITEMS``, kept by ``readers``: a document that drives
the parser mad costs this process and nothing else. Before each document comes a line of JSON that says how long it is
and where it is from. Whatever goes wrong ends the process. Imports no Django, and sees none of our secrets.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

from articles.feeds.extracting import extract
from articles.feeds.linked_feeds import feeds_named_in


def read(data: bytes, *, url: str, content_type: str, max_items: int) -> dict[str, Any]:
    """The feed; or {"error": …}, with the feeds that it names if it is a web page."""
    result = extract(data, url=url, content_type=content_type, max_items=max_items)
    if "error" in result:
        result["named_feeds"] = feeds_named_in(data, url=url)
    return result


def main() -> None:
    seconds, megabytes, max_items = map(int, sys.argv[1:])
    if sys.platform == "linux":  # elsewhere the limit is unknown or counts what is only mapped
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)
    for line in sys.stdin.buffer:
        order = json.loads(line)
        data = sys.stdin.buffer.read(order["length"])
        _allow_processor_time(seconds)
        result = read(data, url=order["url"], content_type=order["content_type"], max_items=max_items)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


def _allow_processor_time(seconds: int) -> None:
    """This much more than what was used so far; then the system ends the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
