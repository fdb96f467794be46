"""The templates of mails, ours and those of this site's own: can every mail be made?"""

from __future__ import annotations

from collections.abc import Iterator

from config import mail_trial
from config.diagnosis.finding import Finding, well, wrong


def templates() -> Iterator[Finding]:
    problems = list(mail_trial.problems())
    yield from (
        wrong("mail-templates", f"{problem}. Mend it, or take it out of MAIL_TEMPLATES_DIR.") for problem in problems
    )
    if not problems:
        yield well("mail-templates", "Every mail can be made.")
