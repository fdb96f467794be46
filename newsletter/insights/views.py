from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from newsletter.insights import health, metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The whole service: 200 if readers get their mail, 503 if something is wrong."""
    now = timezone.now()
    checks = health.examine(now=now)
    return _health_answer(checks, attention=health.attention(now=now) if checks[0].is_ok else {})


@require_safe
@never_cache
def healthz_web(request: HttpRequest) -> HttpResponse:
    """This web process alone: for load balancers, which must not take the site away because the scheduler is."""
    return _health_answer([health.check_database()], attention={})


@require_safe
@never_cache
def prometheus(request: HttpRequest) -> HttpResponse:
    """The figures; with METRICS_TOKEN set, only for who sends it as a bearer token."""
    given = request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(metrics.exposition(now=timezone.now()), content_type=CONTENT_TYPE)


def _health_answer(checks: list[health.Check], *, attention: dict[str, int]) -> HttpResponse:
    is_ok = all(check.is_ok for check in checks)
    content = {
        "status": "ok" if is_ok else "failing",
        "checks": {
            check.name: {"ok": check.is_ok, "detail": check.detail}
            | ({} if check.seconds is None else {"seconds": check.seconds})
            for check in checks
        },
        "attention": attention,
    }
    return JsonResponse(content, status=200 if is_ok else 503)
