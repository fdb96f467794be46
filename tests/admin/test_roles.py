"""Which role may open and change what: every page of the desk, tried by somebody of every role.

The tables say it by initials: Author, Editor, Publisher, aDvertising, Owner. ``config/roles.py`` grants the
permissions; docs/editing.md tells people.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import models, transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from articles.models import Publication
from config.demo import filling
from newsletter.delivery.models import Campaign
from newsletter.digests.models import Appearance, Correction, Issue, Offer, Schedule
from newsletter.subscribers.models import BulkAction, ImportRun, LiveSite, Newsletter, Subscriber
from tests import factories
from tests.admin.forms import form_of
from tests.admin.test_actions import act
from tests.admin.test_pages import add_rows

ROLES = {"A": "Author", "E": "Editor", "P": "Publisher", "D": "Advertising", "O": "Owner"}
EVERYBODY, NOBODY = "AEPDO", ""
REFUSED = {403, 405}
# model: who may look at it, add one, change one, delete one
MODELS = {
    "articles.article": ("AEPDO", "AEPDO", "EPO", NOBODY),  # one of others that is out
    "articles.topic": ("AEPDO", "EPO", "EPO", "EPO"),
    "articles.author": ("AEPDO", "EPO", "EPO", "EPO"),
    "articles.feed": ("EPO", "EPO", "EPO", "PO"),
    "articles.categoryrule": ("EPO", "EPO", "EPO", "EPO"),
    "articles.boilerplaterule": ("EPO", "EPO", "EPO", "EPO"),
    "articles.archive": ("PO", "PO", "PO", NOBODY),
    "articles.publication": ("PO", NOBODY, "PO", NOBODY),
    "digests.issue": ("EPDO", "PO", "EPO", NOBODY),
    "digests.schedule": ("EPDO", "PO", "PO", "O"),
    "digests.offer": ("PDO", "PDO", "PDO", "PDO"),
    "digests.appearance": ("EPDO", NOBODY, "PO", NOBODY),
    "digests.edition": ("PO", NOBODY, NOBODY, NOBODY),
    "digests.editionitem": ("PO", NOBODY, NOBODY, NOBODY),
    "digests.link": ("PO", NOBODY, NOBODY, NOBODY),
    "delivery.campaign": ("PO", NOBODY, "PO", NOBODY),
    "delivery.send": ("PO", NOBODY, NOBODY, NOBODY),
    "delivery.transportoutage": ("PO", NOBODY, NOBODY, NOBODY),
    "delivery.speedlimit": ("PO", "PO", "PO", "O"),
    "delivery.warmup": ("PO", "PO", "PO", "O"),
    "delivery.mailboxmessage": ("O", NOBODY, NOBODY, NOBODY),
    "engagement.event": ("PO", NOBODY, NOBODY, NOBODY),
    "engagement.rating": ("EPO", NOBODY, NOBODY, NOBODY),
    "subscribers.newsletter": ("EPDO", "PO", "PO", NOBODY),
    "subscribers.subscriber": ("PO", "PO", "PO", NOBODY),
    "subscribers.subscription": ("PO", NOBODY, "PO", NOBODY),
    "subscribers.suppression": ("PO", "PO", "PO", "O"),
    "subscribers.label": ("PO", "PO", "PO", "O"),
    "subscribers.maildomain": ("PO", "PO", "PO", "O"),
    "subscribers.importrun": ("PO", "PO", "PO", NOBODY),
    "subscribers.attack": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.livesite": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.signup": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.confirmationmail": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.consentrecord": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.consentwording": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.welcomemail": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.farewell": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.bulkaction": ("PO", NOBODY, "PO", NOBODY),
    "subscribers.addresschange": ("PO", NOBODY, NOBODY, NOBODY),
    "subscribers.personalmail": ("PO", NOBODY, NOBODY, NOBODY),
    "auth.user": ("O", "O", "O", "O"),
    "auth.group": ("O", "O", "O", "O"),
}
# page that is no model's own: who may open it (GET), and who may act on it (POST) where there is something to do
PAGES = {
    "desk:today": (EVERYBODY, NOBODY),
    "desk:timeline": ("PO", NOBODY),
    "desk:issues": ("PO", NOBODY),
    "desk:why": ("PO", NOBODY),
    "desk:growth": ("PO", NOBODY),
    "desk:answers": ("EPO", NOBODY),
    "desk:answers_to": ("EPO", NOBODY),
    "sending:alert": ("EPO", NOBODY),
    "sending:write_alert": ("EPO", "EPO"),
    "sending:sent_alert": ("EPO", "EPO"),
    "sending:write_correction": ("EPO", "EPO"),
    "sending:sent_correction": ("EPO", "EPO"),
    "sending:audience": ("EPO", "EPO"),
    "sending:campaign_progress": ("PO", NOBODY),
    "sending:campaign_export": ("PO", NOBODY),
    "sending:forecast_issue": ("EPDO", NOBODY),
    "sending:forecast_schedule": ("EPDO", NOBODY),
    "issue_desk:desk": ("EPDO", "EPO"),
    "issue_desk:state": ("EPDO", NOBODY),
    "issue_desk:here": (NOBODY, "EPDO"),
    "issue_desk:preview": ("EPDO", NOBODY),
    "issue_desk:find": ("EPDO", NOBODY),
    "issue_desk:versions": ("EPDO", "EPO"),
    "issue_desk:as_reader": ("PO", NOBODY),
    "admin:index": (EVERYBODY, NOBODY),
    "admin:search": (EVERYBODY, NOBODY),
    "admin:delivery_send_now": ("PO", "PO"),
    "admin:delivery_campaign_cancel": ("PO", "PO"),
    "admin:delivery_campaign_take_back": ("PO", "PO"),
    "admin:digests_appearance_preview": ("EPDO", NOBODY),
    "admin:digests_issue_desk": ("EPDO", NOBODY),
    "admin:digests_issue_progress": ("PO", NOBODY),
    "admin:digests_issue_choose_readers": ("EPO", NOBODY),
    "admin:digests_issue_correct": ("EPO", NOBODY),
    "admin:digests_issue_skip_run": ("EPO", "EPO"),
    "admin:digests_issue_cancel_issue": ("EPO", "EPO"),
    "admin:digests_schedule_in_words": ("EPDO", NOBODY),
    "admin:digests_offer_calendar": ("PDO", NOBODY),
    "admin:digests_offer_preview": ("PDO", NOBODY),
    "admin:subscribers_newsletter_send_now": ("PO", NOBODY),
    "admin:subscribers_newsletter_design": ("EPDO", NOBODY),
    "admin:subscribers_newsletter_put_form": ("EPDO", NOBODY),
    "admin:subscribers_newsletter_lower_readers": ("PO", "PO"),
    "admin:subscribers_importrun_refused": ("PO", NOBODY),
    "admin:subscribers_importrun_export": ("PO", NOBODY),
    "admin:subscribers_importrun_export_page": ("PO", NOBODY),
    "admin:subscribers_subscriber_timeline": ("PO", NOBODY),
    "admin:subscribers_subscriber_renew_link": ("PO", "PO"),
    "admin:subscribers_subscriber_erase": ("PO", "PO"),
    "admin:subscribers_attack_switch": ("PO", "PO"),
    "admin:subscribers_suppression_import_list": ("PO", NOBODY),
    "admin:subscribers_suppression_export_list": ("PO", NOBODY),
    "admin:articles_article_merge": ("EPO", "EPO"),
    "admin:articles_article_withdraw": ("EPO", "EPO"),
    "admin:articles_article_preview": ("AEPDO", NOBODY),
    "admin:articles_article_preview_frame": ("AEPDO", NOBODY),
    "admin:articles_article_versions": ("AEPDO", NOBODY),
    "admin:articles_article_autosave": (NOBODY, "EPO"),
    "admin:articles_article_leave": (NOBODY, "EPO"),
    "admin:articles_boilerplaterule_preview_page": ("EPO", NOBODY),
    "admin:articles_boilerplaterule_standard_page": ("EPO", NOBODY),
    "admin:articles_publication_preview": ("PO", NOBODY),
}
TRIED_ELSEWHERE = {
    "articles_article_autosave_new", "articles_article_discard_new", "articles_article_preview_new",
    "articles_article_preview_new_frame", "articles_article_discard", "articles_article_restore",
    "articles_article_upload_picture", "articles_article_take_apart",  # tests/articles/test_desk_*.py
    "articles_feed_look",  # tests/admin/test_feeds.py
    "login", "logout", "password_change", "password_change_done", "autocomplete", "jsi18n", "view_on_site",
    "app_list", "auth_user_password_change",  # Django's own
}  # fmt: skip


@pytest.fixture
def filled(db: None) -> None:
    """Something on every page."""
    filling.fill(now=timezone.now())
    at = factories.NOW
    BulkAction.objects.create(kind="pause", status="finished", created_at=at, ended_at=at, leased_until=at)
    Publication.objects.create(pk=1, name="The Harbor Gazette")
    LiveSite.objects.create(host="localhost", lived_until=at)
    Appearance.objects.create(newsletter=Newsletter.objects.earliest("pk"))
    add_rows(1)
    factories.make_issue()


def person(letter: str) -> User:
    user = User.objects.create_user(f"{ROLES[letter].lower()}{User.objects.count()}", is_staff=True)
    user.groups.add(Group.objects.get(name=ROLES[letter]))
    return user


def signed_in(letter: str) -> Client:
    client = Client()
    client.force_login(person(letter))
    return client


@pytest.mark.parametrize("letter", ROLES)
@pytest.mark.django_db
@pytest.mark.parametrize("model", ["delivery.speedlimit", "delivery.warmup"])
def test_navigation_leads_to_how_fast_mails_go_those_who_may_look(letter: str, model: str) -> None:
    link = f'href="{reverse("admin:{}_{}_changelist".format(*model.split(".")))}"'

    assert (link in signed_in(letter).get("/admin/").content.decode()) is (letter in MODELS[model][0])


def addresses() -> dict[str, str]:
    """Where each of PAGES is, of something that its people may act on."""
    now = timezone.now()
    written = factories.make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    draft, gone = factories.make_issue(send_at=now), Issue.objects.filter(launched_at__isnull=False).earliest("pk")
    announcement = factories.make_issue(newsletter=written, send_at=now)
    alert = factories.make_issue(newsletter=written, send_at=now, is_alert=True)
    correction = Correction.objects.create(issue=gone, note="It was high.", at=now)
    campaign = factories.make_campaign(status=Campaign.Status.SENDING)
    own = {
        "sending:sent_alert": alert.pk, "sending:write_correction": gone.pk, "sending:sent_correction": correction.pk,
        "sending:audience": announcement.pk, "sending:forecast_schedule": Schedule.objects.earliest("pk").pk,
        "admin:delivery_campaign_cancel": campaign.pk, "admin:delivery_campaign_take_back": campaign.pk,
        "admin:digests_issue_progress": gone.pk,
        "sending:campaign_progress": campaign.pk, "sending:campaign_export": campaign.pk,
        "admin:digests_issue_choose_readers": announcement.pk, "admin:digests_issue_correct": gone.pk,
        "admin:subscribers_importrun_export": "readers", "admin:digests_appearance_preview": draft.newsletter_id,
    }  # fmt: skip
    kinds = {
        "desk": Subscriber.objects.earliest("pk").pk, "sending": draft.pk, "issue_desk": draft.pk,
        "admin:digests_issue": draft.pk, "admin:digests_offer": Offer.objects.earliest("pk").pk,
        "admin:delivery_send_now": draft.newsletter_id, "admin:subscribers_newsletter": draft.newsletter_id,
        "admin:subscribers_importrun": ImportRun.objects.earliest("pk").pk,
        "admin:subscribers_subscriber": Subscriber.objects.earliest("pk").pk,
        "admin:articles_article": factories.make_article().pk,
    }  # fmt: skip
    found = {}
    for name in PAGES:
        kind = next((pk for start, pk in kinds.items() if name.startswith(start)), None)
        try:
            found[name] = reverse(name)
        except NoReverseMatch:
            found[name] = reverse(name, args=[own.get(name, kind)])
    return found


def of(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("letter", ROLES)
def test_who_may_look_at_add_change_and_delete_what(letter: str) -> None:
    browser, found, said = signed_in(letter), {}, {}
    for model in admin.site._registry:
        rows = Issue.objects.waiting() if model is Issue else model._default_manager.order_by("pk")
        pk = rows.values_list("pk", flat=True).first()
        answers = [
            browser.get(of(model, "changelist"), follow=True), browser.get(of(model, "add")),
            browser.post(of(model, "change", pk), {}), browser.get(of(model, "delete", pk)),
        ]  # fmt: skip
        found[model._meta.label_lower] = [answer.status_code != 403 for answer in answers]
        said[model._meta.label_lower] = [letter in may for may in MODELS[model._meta.label_lower]]

    assert found == said


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("letter", ROLES)
def test_who_may_open_which_page_and_act_there(letter: str) -> None:
    browser, found = signed_in(letter), {}
    for name, address in addresses().items():
        opens = browser.get(address).status_code not in REFUSED
        acts = False
        if PAGES[name][1]:
            with transaction.atomic():
                acts = browser.post(address).status_code not in REFUSED
                transaction.set_rollback(True)  # for the pages after it
        found[name] = (opens, acts)

    assert found == {name: (letter in may_open, letter in may_act) for name, (may_open, may_act) in PAGES.items()}


def test_no_page_of_the_desk_is_forgotten() -> None:
    models_own = {f"{model._meta.app_label}_{model._meta.model_name}_{page}" for model in admin.site._registry
                  for page in ("changelist", "add", "change", "delete", "history")}  # fmt: skip
    known = {name.partition(":")[2] for name in PAGES} | models_own | TRIED_ELSEWHERE

    assert {name for name in _names(get_resolver().url_patterns) if name} - known == set()


def _names(patterns: list[Any], before: str = "") -> Iterator[str | None]:
    for each in patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _names(each.url_patterns, route)
        elif isinstance(each, URLPattern) and route.startswith("admin/"):
            yield each.name


@pytest.fixture
def editor(db: None) -> Client:
    return signed_in("E")


def approved(**fields: Any) -> Issue:
    """By a person, who may."""
    by = person("P")
    values = {"status": Issue.Status.APPROVED, "approved_by": by, "approved_at": factories.NOW, **fields}
    return factories.make_issue(subject="As it was approved", send_at=timezone.now() + timedelta(days=1), **values)


def test_editor_approves_by_no_page_action_or_field(editor: Client) -> None:
    article = factories.make_article()
    issue = factories.make_issue(articles=[article], subject="Low water", send_at=timezone.now() + timedelta(days=1))
    page, planned = reverse("admin:digests_issue_change", args=[issue.pk]), issue.send_at
    form = form_of(editor, page)
    now = {"send_at_0": timezone.localdate().isoformat(), "send_at_1": "00:00:00"}

    editor.post(page, form | {"digests_issue_save_and_approve": "1"})
    editor.post(page, form | {"status": "approved", "approved_by": "1", **now})
    act(editor, "digests_issue", "approve_selected", issue, **{f"seen-{issue.pk}": str(issue.version)})
    desk = editor.post(reverse("issue_desk:desk", args=[issue.pk]), {"do": "approve", "seen": "0"})
    send_now = editor.post(reverse("admin:delivery_send_now", args=[issue.newsletter_id]))

    issue.refresh_from_db()
    assert (issue.status, issue.approved_by, issue.send_at) == (Issue.Status.DRAFT, None, planned)
    assert (desk.status_code, send_now.status_code) == (403, 403)
    assert not Issue.objects.exclude(pk=issue.pk).exists()


def test_editor_changes_and_stops_nothing_that_a_publisher_approved(editor: Client) -> None:
    issue = approved(newsletter=factories.make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS))
    page = reverse("admin:digests_issue_change", args=[issue.pk])

    answers = [
        editor.post(page, {"subject": "As nobody approved it"}),
        editor.post(reverse("admin:digests_issue_skip_run", args=[issue.pk])),
        editor.post(reverse("admin:digests_issue_cancel_issue", args=[issue.pk])),
        editor.post(reverse("sending:audience", args=[issue.pk]), {"language": "en"}),
    ]
    act(editor, "digests_issue", "skip_selected", issue)
    act(editor, "digests_issue", "cancel_selected", issue)

    issue.refresh_from_db()
    assert [answer.status_code for answer in answers] == [403, 403, 403, 403]
    assert (issue.subject, issue.status, issue.narrowing) == ("As it was approved", Issue.Status.APPROVED, {})
    assert editor.get(page).status_code == 200


def test_editor_changes_what_goes_out_by_its_rule(editor: Client) -> None:
    issue = approved(approved_by=None)
    page = reverse("admin:digests_issue_change", args=[issue.pk])

    editor.post(page, form_of(editor, page) | {"subject": "Better words"})

    issue.refresh_from_db()
    assert issue.subject == "Better words"


def test_whoever_changes_newsletters_and_campaigns_sends_nothing_without_the_right_to_approve(
    db: None, client: Client
) -> None:
    newsletter, user = factories.make_newsletter(), person("E")
    names = ["change_newsletter", "view_newsletter", "change_campaign", "view_campaign"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)

    sent = client.post(reverse("admin:delivery_send_now", args=[newsletter.pk]))
    page = client.get(reverse("admin:subscribers_newsletter_change", args=[newsletter.pk])).content.decode()

    assert sent.status_code == 403
    assert "Send now" not in page
