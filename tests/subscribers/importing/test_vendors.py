"""Exports of other products: recognized by their columns, and each status read as its product means it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from newsletter.subscribers.importing import running, starting
from newsletter.subscribers.importing.applying import Outcome
from newsletter.subscribers.models import ConsentRecord, ImportRun, Subscriber, Subscription, Suppression
from tests.factories import NOW, make_newsletter
from tests.subscribers.importing.lists import bring_in, uploaded

pytestmark = pytest.mark.django_db

GEO = "MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION"
MAILCHIMP = f"Email Address,First Name,Last Name,{GEO},LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
UNSUBSCRIBED = (
    f"Email Address,First Name,Last Name,{GEO},UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,"
    "UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS\n"
)
CLEANED = (
    f"Email Address,First Name,Last Name,{GEO},CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS\n"
)
MAILCHIMP_ROW = (
    "ada@example.org,Ada,Lovelace,2,2023-04-01 10:00:00,198.51.100.7,2023-04-01 10:05:00,198.51.100.8,,,,,"
    'Europe/Vienna,AT,9,2023-04-01 10:05:00,1,abc,"a note\nof two lines","""VIP"",""Press"""\n'
)
UNSUBSCRIBED_ROW = (
    "gone@example.org,,,2,2020-01-01 10:00:00,,2020-01-01 10:00:00,,,,,,,,,2021-05-05 05:05:05,News,1,OTHER,,2,b,,\n"
)
CLEANED_ROW = "dead@example.org,,,2,2020-01-01 10:00:00,,2020-01-01 10:00:00,,,,,,,,,2021-05-05 05:05:05,News,1,3,c,,\n"
PHPLIST = "\t".join(
    ["id", "Email", "Is this subscriber confirmed", "Is this subscriber blacklisted",
     "Did this subscriber manually confirm", "Number of bounces", "Entered", "Last Modified", "Unique ID",
     "Send this subscriber HTML emails", "RSS Frequency", "Is this account disabled?", "Additional data", "Foreign Key",
     "Name", "List Membership"]
)  # fmt: skip


def phplist(email: str, confirmed: str, blacklisted: str, disabled: str = "0") -> str:
    cells = ["1", email, confirmed, blacklisted, "", "0", "2022-01-02 03:04:05", "", "u", "1", "", disabled, "", "",
             "Ann", "No Lists"]  # fmt: skip
    return "\t".join(cells)


# name of the file, its text, the format, and what becomes of each person: a, b, c … in order
EXPORTS = {
    "mailchimp": ("subscribed_members_export_1.csv", MAILCHIMP + MAILCHIMP_ROW, "mailchimp_subscribed", ["subscribed"]),
    "mailchimp unsubscribed": ("list.csv", UNSUBSCRIBED + UNSUBSCRIBED_ROW, "mailchimp_unsubscribed", ["imported"]),
    "mailchimp cleaned": ("list.csv", CLEANED + CLEANED_ROW, "mailchimp_cleaned", ["hard_bounce"]),
    "substack": (
        "email_list.harbor.csv",
        ("email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "a@example.org,false,,other,false,2024-01-02T03:04:05.000Z,\n"
        "b@example.org,true,2025-01-01,yearly,true,2024-01-02T03:04:05.000Z,2024-01-02T03:04:05.000Z\n"),
        "substack", ["subscribed", "imported"],
    ),
    "substack until 2023": (
        "list.csv",
        ("email,active_subscription,expiry,email_disabled,prefer_digests,created_at\n"
        "a@example.org,false,,false,true,2020-01-02T03:04:05.000Z\n"),
        "substack", ["subscribed"],
    ),
    "ghost": (
        "members.csv",
        ("id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\r\n"
        '1,a@example.org,Ann,,true,false,,2024-01-02T03:04:05.000Z,,"One,Two",\r\n'
        "2,b@example.org,,,false,false,,2024-01-02T03:04:05.000Z,,,\r\n"
        "3,c@example.org,,,true,false,,2024-01-02T03:04:05.000Z,2024-02-02T03:04:05.000Z,,\r\n"),
        "ghost", ["subscribed", "imported", "imported"],
    ),
    "buttondown": (
        "subscribers.csv",
        ("id,secondary_id,email,notes,subscriber_type,referrer_url,utm_source,utm_medium,utm_campaign,creation_date,"
        "ip_address,subscription_date,unsubscription_date,tags,metadata\n"
        "1,1,a@example.org,,regular,https://example.org/,,,,2024-01-02T03:04:05Z,198.51.100.1,2024-01-02T03:04:06Z,,x;y,"
        "\"{'staff': 'true'}\"\n"
        "2,2,b@example.org,,unsubscribed,,,,,2024-01-02T03:04:05Z,,,2024-03-02T03:04:05Z,,{}\n"
        "3,3,c@example.org,,undeliverable,,,,,2024-01-02T03:04:05Z,,,,,{}\n"
        "4,4,d@example.org,,complained,,,,,2024-01-02T03:04:05Z,,,,,{}\n"
        "5,5,e@example.org,,unactivated,,,,,2024-01-02T03:04:05Z,,,,,{}\n"),
        "buttondown", ["subscribed", "imported", "hard_bounce", "complaint", "never"],
    ),
    "beehiiv 2023": (
        "list.csv",
        ("email,First Name,Last Name,status,tier,created_at,stripe_customer_id,Gold,unsubscribed_at\n"
        "a@example.org,Ann,Lee,active,free,2023-03-24 10:23:10 UTC,,No,\n"
        "b@example.org,,,inactive,free,2023-03-24 10:23:10 UTC,,No,2023-04-24 10:23:10 UTC\n"),
        "beehiiv", ["subscribed", "imported"],
    ),
    "beehiiv 2026": (
        "harbor-subscribers-2026-07-01.csv",
        ("id,email,status,created_at,open_rate,click_rate,total_clicked,last_opened_at,acquisition_source\n"
        "1,a@example.org,active,2026-03-24 10:23:10 UTC,1,1,1,,direct\n"
        "2,b@example.org,inactive,2026-03-24 10:23:10 UTC,1,1,1,,direct\n"),
        "beehiiv", ["subscribed", "imported"],
    ),
    "mailerlite": (
        "list.csv",
        ("Subscriber,Name,Last name,Sent,Opens,Clicks,Subscribed,Location,Groups\n"
        "a@example.org,Ann,Lee,1,1,0,2024-01-02 03:04:05,AT,News;Offers\n"),
        "mailerlite", ["subscribed"],
    ),
    "listmonk": (
        "list.csv",
        ("uuid,email,name,attributes,status,created_at,updated_at\n"
        'u1,a@example.org,Ann,"{""city"": ""Graz""}",enabled,2024-01-02 03:04:05.123456 +0000 UTC,\n'
        "u2,b@example.org,,{},blocklisted,2024-01-02 03:04:05.123456 +0000 UTC,\n"),
        "listmonk", ["subscribed", "by_hand"],
    ),
    "phplist": (
        "phpList export.csv",
        "\n".join([PHPLIST, phplist("a@example.org", "1", "0"), phplist("b@example.org", "1", "1"),
                   phplist("c@example.org", "0", "0"), phplist("' +d@example.org", "1", "0", disabled="1")]),
        "phplist", ["subscribed", "by_hand", "never", "by_hand"],
    ),
    "mailtrain": (
        "list.csv",
        ("cid,status,HASH_EMAIL,EMAIL,MERGE_FIRST_NAME,MERGE_LAST_NAME\n"
        "1,subscribed,h,a@example.org,Ann,Lee\n2,unsubscribed,h,b@example.org,,\n3,bounced,h,c@example.org,,\n"),
        "mailtrain", ["subscribed", "ended", "hard_bounce"],
    ),
    "mailpoet": (
        "list.csv",
        ('\ufeff"Email","First name","Last name","Subscription IP","Subscription time","Confirmation time",'
        '"Confirmation IP","List status","Global status"\n'
        '"a@example.org","Ann \\"Nan\\"","Lee","198.51.100.1","2024-01-02 03:04:05","2024-01-02 04:04:05","",'
        '"subscribed","subscribed"\n'
        '"b@example.org","","","","","","","unsubscribed","subscribed"\n'
        '"c@example.org","","","","","","","unsubscribed","unsubscribed"\n'),
        "mailpoet", ["subscribed", "ended", "imported"],
    ),
    "keila": (
        "list.csv",
        ("Email,First name,Last name,Data,Status,External ID\na@example.org,Ann,Lee,{},active,\n"
        "b@example.org,,,{},unreachable,\n"),
        "keila", ["subscribed", "hard_bounce"],
    ),
    "brevo": (
        "list.csv",
        ("EMAIL;LASTNAME;FIRSTNAME;SMS;EMAIL_BLACKLISTED;SMS_BLACKLISTED;ADDED_TIME;MODIFIED_TIME\n"
        "a@example.org;Lee;Ann;;No;No;31-01-2024 10:00;\nb@example.org;;;;Yes;No;31-01-2024 10:00;\n"),
        "brevo", ["subscribed", "imported"],
    ),
    "kit": (
        "list.csv",
        ("first_name,email,created_at,status\nAnn,a@example.org,2024-01-02T03:04:05Z,active\n"
        ",b@example.org,2024-01-02T03:04:05Z,cancelled\n"),
        "kit", ["subscribed", "imported"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_export_is_recognized_and_each_status_read_as_it_is_meant(name: str) -> None:
    file_name, text, format_name, expected = EXPORTS[name]
    newsletter = make_newsletter()

    run = bring_in(text, name=file_name, newsletter=newsletter)

    assert (run.status, [part.format for part in starting.parts_of(run)]) == ("finished", [format_name])
    assert sorted(state_of_all(run)) == sorted(expected)


def state_of_all(run: ImportRun) -> list[str]:
    states = {"active": "subscribed", "ended": "ended"}
    return [
        *(states[each.status] for each in Subscription.objects.all()),
        *Suppression.objects.values_list("reason", flat=True),
        *("never" for _each in run.refusals.filter(reason="never confirmed")),
    ]


def test_mailchimp_brings_times_addresses_and_the_time_zone() -> None:
    bring_in(MAILCHIMP + MAILCHIMP_ROW, newsletter=make_newsletter())

    ada, record = Subscriber.objects.get(), ConsentRecord.objects.get()
    assert (ada.name, ada.time_zone) == ("Ada Lovelace", "Europe/Vienna")
    assert (record.ip_address, record.confirmation_ip) == ("198.51.100.7", "198.51.100.8")
    assert record.asked_at is not None
    assert record.asked_at.isoformat() == "2023-04-01T10:00:00+00:00"


def test_mailchimp_archive_puts_leavers_first_whatever_the_order_of_its_files() -> None:
    same = UNSUBSCRIBED_ROW.replace("gone@", "ada@")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("subscribed_members_export_1.csv", MAILCHIMP + MAILCHIMP_ROW)
        file.writestr("cleaned_members_export_1.csv", CLEANED + CLEANED_ROW)
        file.writestr("unsubscribed_members_export_1.csv", UNSUBSCRIBED + same)

    run = bring_in(archive.getvalue(), name="export.zip", newsletter=make_newsletter())

    assert not Subscription.objects.exists()
    assert sorted(Suppression.objects.values_list("email", flat=True)) == ["ada@example.org", "dead@example.org"]
    assert run.counts == {"suppressed": 2, "kept_out": 1}


def test_substack_reads_paying_and_case_and_digests_right() -> None:
    newsletter = make_newsletter(cadences=["daily", "weekly"])
    text = EXPORTS["substack until 2023"][1] + "A@EXAMPLE.ORG,true,,false,false,\n"

    run = bring_in(text, newsletter=newsletter)

    assert Subscription.objects.get().cadence == "weekly"
    assert run.counts == {Outcome.SUBSCRIBED.value: 1, Outcome.KNOWN.value: 1}


def test_backslash_quotes_of_mailpoet_are_no_part_of_the_name() -> None:
    bring_in(EXPORTS["mailpoet"][1], newsletter=make_newsletter())

    assert Subscriber.objects.get(email="a@example.org").name == 'Ann "Nan" Lee'


def test_what_was_recognized_and_what_is_not_used_is_said(tmp_path: Path) -> None:
    run = uploaded(UNSUBSCRIBED + UNSUBSCRIBED_ROW, name="list.csv")

    (about,) = [starting.describe(part, {}) for part in starting.parts_of(run)]
    assert "unsubscribed" in about["label"]
    assert "suppression list" in about["consequence"]
    assert {"NOTES", "LATITUDE", "UNSUB_REASON"} <= set(about["unused"])


def test_word_that_nobody_knows_is_asked_and_its_answer_used() -> None:
    text = "email,status\na@example.org,active\nb@example.org,sleeping\nc@example.org,Sleeping\n"
    run = uploaded(text, newsletter=make_newsletter())
    running.advance(import_run_id=run.pk, clock=lambda: NOW)

    run.refresh_from_db()
    assert (run.status, run.start(NOW)) == ("asking", False)
    assert run.questions == [{"kind": "status", "word": "sleeping", "count": 2}]
    assert starting.answer(run, {"answer-status:sleeping": "unsubscribed"}, now=NOW)
    running.advance(import_run_id=run.pk, clock=lambda: NOW)
    run.refresh_from_db()
    assert (run.status, run.forecast) == ("ready", {"subscribed": 1, "suppressed": 2, "no_consent_date": 1})
    assert not Subscriber.objects.exists()


@pytest.mark.parametrize(
    "header",
    ["E-Mail-Adresse,Vorname,Nachname", "Courriel,Prénom,Nom de famille", "Correo electrónico,Nombre,Apellidos",
     "Indirizzo email,Nome,Cognome", "E-mailadres,Voornaam,Achternaam", "E-mail,Nome,Sobrenome"],
)  # fmt: skip
def test_plain_list_may_name_its_columns_in_another_language(header: str) -> None:
    bring_in(f"{header}\na@example.org,Ada,Lovelace\n", newsletter=make_newsletter())

    assert Subscriber.objects.get().name == "Ada Lovelace"
