"""A warm-up plan in words, for its own page and a campaign's."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.delivery.models import WarmUp
from newsletter.lib.dates import full_date
from newsletter.lib.numbers import grouped


def progress(plan: WarmUp) -> str:
    """``120 of 500 mails today``."""
    if plan.finished_on:
        return _("no ceiling")
    values = {"used": grouped(plan.used), "ceiling": grouped(plan.ceiling)}
    return ngettext("%(used)s of %(ceiling)s mail today", "%(used)s of %(ceiling)s mails today", plan.ceiling) % values


def so_far(plan: WarmUp) -> str:
    """Where it stands today, and what that means for tomorrow. Empty if it is done."""
    if plan.finished_on:
        return ""
    sentence = _("Day %(day)s of %(days)s: %(progress)s.") % {
        "day": grouped(plan.step + 1), "days": grouped(plan.steps), "progress": progress(plan),
    }  # fmt: skip
    if plan.trouble:
        return " ".join([sentence, _("Tomorrow brings no more, for something went wrong: %s") % plan.trouble])
    if plan.is_good_day():
        return " ".join([sentence, _("Tomorrow may bring more.")])
    return sentence


def while_it_lasts(plan: WarmUp, *, today: date) -> str:
    """When there will be no ceiling any more."""
    if plan.finished_on:
        return _("Done on %(day)s: no ceiling any more.") % {"day": full_date(plan.finished_on)}
    return _("No ceiling from %(day)s on, if every day uses half of its own and nothing goes wrong.") % {
        "day": full_date(plan.done_on(today))
    }
