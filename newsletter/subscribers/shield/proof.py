"""Proof of work, hosted by ourselves: the protocol of ALTCHA, version 2 (https://altcha.org/docs/v2/).

A reader's browser looks for a number for about a second; a robot must do so for every address. The number is known to
us when the challenge is made, so nobody needs luck: the work varies by a factor of three at most.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

import altcha
from django.conf import settings
from django.core.cache import cache
from django.utils.crypto import salted_hmac
from redis.exceptions import RedisError

from newsletter.subscribers.shield import tally
from newsletter.subscribers.shield.tally import Layer

FIELD = "altcha"  # the name that ALTCHA's own widget gives it
ALGORITHM, ITERATIONS = "PBKDF2/SHA-256", 1000
VALID_SECONDS = 20 * 60
MAX_LENGTH = 4000


def challenge() -> dict[str, Any]:
    """What a browser has to solve, as JSON."""
    effort = max(2, settings.PROOF_OF_WORK_EFFORT)
    made = altcha.create_challenge(
        ALGORITHM,
        ITERATIONS,
        counter=effort // 2 + secrets.randbelow(effort),
        expires_at=int(time.time()) + VALID_SECONDS,
        hmac_secret=_secret("challenge"),
        hmac_key_secret=_secret("key"),
    )
    return dict(made.to_dict())


def is_good(payload: str) -> bool:
    """Is this the solution of a challenge of ours, fresh, and used for the first time? Uses it up."""
    good = bool(payload) and len(payload) <= MAX_LENGTH and _is_solved(payload) and _is_first_use(payload)
    if payload:
        tally.note(Layer.PROOF_GOOD if good else Layer.PROOF_BAD)
    return good


def _is_solved(payload: str) -> bool:
    result = altcha.verify_solution(payload, _secret("challenge"), hmac_key_secret=_secret("key"))
    return bool(result.verified)


def _is_first_use(payload: str) -> bool:
    """One solution lets one sign-up in. The signature names the challenge, however its JSON is written."""
    signature = altcha.Payload.from_base64(payload).challenge.signature
    try:
        return bool(cache.add(f"proof:{str(signature).lower()}", 1, timeout=VALID_SECONDS + 60))
    except (RedisError, OSError) as error:
        tally.complain(error)
        return True


def _secret(purpose: str) -> str:
    return salted_hmac(f"newsletter.subscribers.proof.{purpose}", "", algorithm="sha256").hexdigest()
