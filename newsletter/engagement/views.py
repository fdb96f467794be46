"""What a reader's mail leads to: the page on which they say what they think of an issue, measured links, the picture.

On the page GET and HEAD change nothing. A measured link and the picture count, and change nothing for the reader.
"""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from newsletter.digests.models import Appearance
from newsletter.digests.rendering import question_of
from newsletter.engagement import measuring, rating
from newsletter.engagement.models import Rating
from newsletter.lib.languages import speak
from newsletter.lib.tokens import BadToken
from newsletter.subscribers.pages import sign_up_page

PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@csrf_exempt  # the signed token in the address is the authority; there is no session to ride on
@require_http_methods(["GET", "HEAD", "POST"])
def rate(request: HttpRequest, token: str, answer: str = "") -> HttpResponse:
    """GET shows the question, with the answer of the link chosen; POST keeps what was chosen on the page."""
    try:
        response = _page(request, token, answer)
    except BadToken:
        response = render(request, "subscribers/no_such_link.html", sign_up_page(), status=404)
    return _unstored(response)


@require_safe
def click(request: HttpRequest, token: str, number: int = 0) -> HttpResponse:
    """To the destination with this number, wherever the reader has stopped being measured. HEAD counts nothing."""
    try:
        send_pk, link = measuring.follow(token, number)
    except BadToken:
        send_pk, link = 0, None
    if link is None:
        return _unstored(render(request, "engagement/no_such_story.html", status=404))
    if _is_asked_for(request):
        measuring.note_click(send_pk, link, now=timezone.now())
    return _unstored(HttpResponseRedirect(link.url))


@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """A picture of one transparent pixel, whatever the token is."""
    with suppress(BadToken):
        if _is_asked_for(request):
            measuring.note_open(token, now=timezone.now())
    return _unstored(HttpResponse(PIXEL, content_type="image/gif"))


def _is_asked_for(request: HttpRequest) -> bool:
    """Not a look ahead of a browser or a mail program that says so."""
    told = f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}".lower()
    return request.method == "GET" and "prefetch" not in told and "preview" not in told


def _unstored(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _page(request: HttpRequest, token: str, answer: str) -> HttpResponse:
    send = rating.send_behind(token)
    if send is None:
        return render(request, "subscribers/nobody.html")
    speak(send.campaign.issue.newsletter.language)
    is_missing = False
    if request.method == "POST":
        answer, comment = request.POST.get("answer", ""), request.POST.get("comment", "")
        if rating.rate(send, answer=answer, comment=comment, now=timezone.now()):
            there = reverse("engagement:rate", kwargs={"token": token})
            return HttpResponseRedirect(f"{there}?notice=saved", status=303)
        is_missing = True
    said = rating.rating_of(send)
    issue = send.campaign.issue
    context = {
        "issue": issue,
        "question": question_of(Appearance.of(issue.newsletter)),
        "answers": Rating.Answer.choices,
        "chosen": answer if answer in Rating.Answer.values else said.answer if said else "",
        "said": said,
        "is_saved": said is not None and request.GET.get("notice") == "saved",
        "is_missing": is_missing,
        "most_characters": rating.MOST_CHARACTERS,
        "url": reverse("engagement:rate", kwargs={"token": token}),
    }
    return render(request, "engagement/rate.html", context)
