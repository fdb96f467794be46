"""The built-in mailbox in the browser, and as JSON for tests; reachable only while mail goes there (config/urls.py)."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils.csp import CSP
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from newsletter.delivery.mailbox.store import parsed
from newsletter.delivery.models import MailboxMessage

PAGE_SIZE = 50
# The mail is somebody else's HTML: it may show pictures and its own styles, and nothing else; no script, no form.
MAIL_POLICY: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "img-src": ["*", "data:"],
    "style-src": [CSP.UNSAFE_INLINE],
    "frame-ancestors": [CSP.SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox", "allow-top-navigation-by-user-activation"],
}


@require_safe
def message_list(request: HttpRequest) -> HttpResponse:
    messages = MailboxMessage.objects.defer("raw")
    recipient = request.GET.get("to", "").strip()
    if recipient:
        messages = messages.filter(recipient__icontains=recipient)
    page = Paginator(messages, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "mailbox/list.html", {"page": page, "recipient": recipient})


@require_safe
def message_detail(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(MailboxMessage, pk=pk)
    mail = parsed(message)
    text = mail.get_body(("plain",))
    context = {
        "message": message,
        "sender": mail["From"],
        "headers": [(name, str(value)) for name, value in mail.items()],
        "text": text.get_content() if text else "",
        "has_html": mail.get_body(("html",)) is not None,
    }
    return render(request, "mailbox/message.html", context)


@require_safe
@xframe_options_sameorigin
@csp_override(MAIL_POLICY)
def message_html(request: HttpRequest, pk: int) -> HttpResponse:
    body = parsed(get_object_or_404(MailboxMessage, pk=pk)).get_body(("html",))
    html: str = body.get_content() if body else ""
    return HttpResponse(html.replace("<head>", '<head><base target="_blank">', 1))  # links open beside the frame


@require_safe
def message_source(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(MailboxMessage, pk=pk)
    return HttpResponse(bytes(message.raw), content_type="message/rfc822")


@require_safe
def messages_json(request: HttpRequest) -> JsonResponse:
    messages = MailboxMessage.objects.defer("raw")
    recipient = request.GET.get("to", "").strip()
    if recipient:
        messages = messages.filter(recipient__iexact=recipient)
    rows = [{"id": m.pk, "to": m.recipient, "subject": m.subject, "at": m.at.isoformat()} for m in messages]
    return JsonResponse({"messages": rows})
