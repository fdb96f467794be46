"""Where hubs reach us (WebSub): anybody may call here, so nothing counts but an address that nobody can guess, and a
signature."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from articles.feeds import pushing
from articles.models import Feed, PushSubscription

MAX_CHALLENGE = 1000


@csrf_exempt  # a hub has no cookies; its deliveries are signed
@never_cache
@require_http_methods(["GET", "POST"])
def push(request: HttpRequest, token: str) -> HttpResponse:
    subscription = PushSubscription.objects.select_related("feed").filter(token=token).first()
    if subscription is None:
        raise Http404
    return _deliver(request, subscription) if request.method == "POST" else _confirm(request, subscription)


def _confirm(request: HttpRequest, subscription: PushSubscription) -> HttpResponse:
    said = {name: str(value) for name, value in request.GET.items()}
    challenge = said.get("hub.challenge", "")
    if len(challenge) > MAX_CHALLENGE or not pushing.confirm(subscription, said, timezone.now()):
        raise Http404
    return HttpResponse(challenge, content_type="text/plain; charset=utf-8")


def _deliver(request: HttpRequest, subscription: PushSubscription) -> HttpResponse:
    if subscription.feed.status != Feed.Status.ACTIVE or subscription.status == PushSubscription.Status.ENDING:
        return HttpResponse(status=410)
    body = request.read(pushing.MAX_DELIVERY_BYTES + 1)
    if len(body) > pushing.MAX_DELIVERY_BYTES:
        return HttpResponse(status=413)
    if not body or not pushing.is_signed(subscription, body, request.headers.get("X-Hub-Signature", "")):
        return HttpResponse(status=403)
    pushing.accept(subscription, body, request.headers.get("Content-Type", ""), timezone.now())
    return HttpResponse(status=202)
