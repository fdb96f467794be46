"""What must not stand in a log: the tokens of signed links, which Django would write with the path of every 4xx."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")


class WithoutTokens(logging.Filter):
    """Replaces in the arguments of a message whatever looks like a token of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(TOKEN.sub("…", each) if isinstance(each, str) else each for each in record.args)
        return True
