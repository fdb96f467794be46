"""Should a browser bring a proof of work now?"""

from __future__ import annotations

from django.conf import settings

from newsletter.subscribers.shield import attack, rates


def asks_for_proof() -> bool:
    if settings.PROOF_OF_WORK == "off":
        return False
    return settings.PROOF_OF_WORK == "always" or rates.is_site_busy() or attack.is_on()
