"""What a browser asks for before it sends a sign-up form."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from newsletter.subscribers.shield import proof
from newsletter.subscribers.shield.demand import asks_for_proof


@require_safe
@never_cache
def challenge(request: HttpRequest) -> HttpResponse:
    """200 with a challenge to solve, or 204 if none is needed now. For scripts of every site; it sets no cookie."""
    response = JsonResponse(proof.challenge()) if asks_for_proof() else HttpResponse(status=204)
    response["Access-Control-Allow-Origin"] = "*"
    return response
