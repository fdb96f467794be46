"""Attack mode: it begins by itself when far more sign-ups come than usual, and ends by itself after quiet.

While it lasts, signing up asks for a proof of work, and fewer confirmation mails go out by the hour. The state is a
row of the database, so that it holds over processes, restarts and a broker that loses everything.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from newsletter.lib import mail
from newsletter.subscribers.models import Attack, SignUp
from newsletter.subscribers.shield import tally

logger = logging.getLogger(__name__)

WINDOW = timedelta(seconds=tally.WINDOW)
USUAL_SPAN = timedelta(days=7)
LONGEST_BY_HAND = timedelta(hours=24)


def is_on() -> bool:
    return Attack.objects.open().exists()


def current() -> Attack | None:
    return Attack.objects.open().first()


def watch(now: datetime) -> bool:
    """Begin or end attack mode where that is due. True if something changed. Safe to call at any time and twice."""
    attack, busy = current(), _recent(now)
    if attack is None:
        threshold = _threshold(now) if busy >= settings.ATTACK_MIN_SIGN_UPS else None
        return threshold is not None and busy >= threshold and begin(now, threshold=threshold, peak=busy)
    quiet = timedelta(minutes=settings.ATTACK_QUIET_MINUTES)
    if not attack.is_manual and busy * 2 >= attack.threshold:
        Attack.objects.open().filter(pk=attack.pk).update(last_busy_at=now, peak=max(busy, attack.peak))
        return False
    return now - attack.last_busy_at >= (LONGEST_BY_HAND if attack.is_manual else quiet) and end(now)


def begin(now: datetime, *, threshold: int = 0, peak: int = 0, is_manual: bool = False) -> bool:
    """False if it has begun already."""
    try:
        with transaction.atomic():
            Attack.objects.create(started_at=now, last_busy_at=now, threshold=threshold, peak=peak, is_manual=is_manual)
    except IntegrityError:
        return False
    logger.warning("Attack mode is on: %d attempts to sign up in ten minutes.", peak)
    return True


def end(now: datetime) -> bool:
    """False if it was not on."""
    attack = current()
    ended = attack is not None and attack.end(now)
    if ended:
        logger.warning("Attack mode is off.")
    return ended


def tell_operator(now: datetime) -> bool:
    """Mail OPERATOR_EMAIL about an attack of which they have not heard, or about its end.

    True if a server took all of the mails. Who was not told of an attack is not told of its end.
    """
    lately = now - timedelta(days=1)
    begun = Attack.objects.untold(now).filter(is_manual=False, started_at__gte=lately).first()
    ended = Attack.objects.untold_of_end(now).filter(ended_at__gte=lately).first()
    if begun:
        return _tell(begun, "attack_mode", "told_at", now)
    return ended is not None and _tell(ended, "attack_over", "end_told_at", now)


def _tell(attack: Attack, template: str, field: str, now: datetime) -> bool:
    """Send this mail, of several workers once; ``field`` then says when."""
    if not settings.OPERATOR_EMAIL or not attack.claim_telling(now):
        return False
    context = {
        "attack": attack,
        "url": settings.SITE_URL + reverse("admin:subscribers_attack_changelist"),
        "quiet_minutes": settings.ATTACK_QUIET_MINUTES,
        "mails_per_hour": settings.CONFIRMATION_MAILS_PER_HOUR_UNDER_ATTACK,
        "is_proof_asked": settings.PROOF_OF_WORK != "off",
    }
    try:
        for address in settings.OPERATOR_EMAIL:
            mail.send(template=template, to=address, context=context, language=settings.DESK_LANGUAGE)
    except mail.NotAccepted as refusal:
        logger.warning("The operator could not be told of the attack: %s", refusal)
        return False
    return bool(Attack.objects.filter(pk=attack.pk).update(**{field: now}))


def _recent(now: datetime) -> int:
    """Attempts of the last ten minutes by the cache or, if it has lost them, sign-ups by the database."""
    stored = SignUp.objects.filter(created_at__gt=now - WINDOW).order_by().count()
    return max(stored, tally.recent_attempts())


def _threshold(now: datetime) -> int:
    """So many times the usual number for ten minutes; never less than the least that is worth a thought."""
    since, until = now - USUAL_SPAN, now - timedelta(hours=1)
    usual = SignUp.objects.filter(created_at__gt=since, created_at__lte=until).order_by().count()
    windows = (until - since) / WINDOW
    return max(settings.ATTACK_MIN_SIGN_UPS, round(settings.ATTACK_FACTOR * usual / windows))
