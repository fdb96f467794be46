"""Row 2: robots that fill in forms, and what each layer makes of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import altcha
import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from newsletter.subscribers.models import Attack, SignUp
from newsletter.subscribers.protection import form_time
from newsletter.subscribers.shield import attack, proof, rates, tally
from newsletter.subscribers.shield.tally import Layer
from newsletter.subscribers.signup import send_confirmation
from tests.factories import NOW, make_newsletter, make_sign_up
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import last_sign_up, post_form

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _little_effort(settings: Settings) -> None:
    settings.PROOF_OF_WORK_EFFORT = 2


@pytest.fixture
def broken_cache(settings: Settings) -> None:
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}}


def solved() -> str:
    """What a browser sends."""
    challenge = altcha.Challenge.from_dict(proof.challenge())
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


def changed(payload: str, change: Callable[[Any], object]) -> str:
    content = json.loads(base64.b64decode(payload))
    change(content)
    return base64.b64encode(json.dumps(content).encode()).decode()


# --- proof of work ----------------------------------------------------------------------------------------------------
def test_proof_is_asked_for_as_the_setting_says(client: Client, settings: Settings) -> None:
    asked = {}
    for mode in ("off", "attack", "always"):
        settings.PROOF_OF_WORK = mode
        asked[mode] = client.get("/subscribe/challenge/").status_code
    attack.begin(NOW)
    settings.PROOF_OF_WORK = "attack"
    asked["attack mode"] = client.get("/subscribe/challenge/").status_code

    assert asked == {"off": 204, "attack": 204, "always": 200, "attack mode": 200}


def test_mail_of_whoever_brings_the_proof_goes_out_at_once(
    client: Client, settings: Settings, smtp_mailers: SmtpServer
) -> None:
    settings.PROOF_OF_WORK = "always"

    response = post_form(client, make_newsletter(), altcha=solved())

    assert response["Location"] == "/subscribe/check-inbox/"
    assert send_confirmation(sign_up_id=last_sign_up().pk, now=last_sign_up().created_at)


def test_mail_of_whoever_brings_none_waits_and_comes_from_a_small_budget(
    client: Client, settings: Settings, smtp_mailers: SmtpServer
) -> None:
    settings.PROOF_OF_WORK, settings.UNPROVEN_MAILS_PER_HOUR = "always", 2
    newsletter = make_newsletter()
    answers = {post_form(client, newsletter, email=f"r{number}@example.org")["Location"] for number in range(4)}
    rows = list(SignUp.objects.order_by("pk"))

    early = [send_confirmation(sign_up_id=row.pk, now=row.created_at) for row in rows]
    later = [send_confirmation(sign_up_id=row.pk, now=rows[-1].created_at + 11 * MINUTE) for row in rows]

    assert answers == {"/subscribe/check-inbox/?slow=1"}
    assert (early, later) == ([False] * 4, [True, True, False, False])


@pytest.mark.parametrize(
    "forge",
    [
        lambda good: changed(good, lambda c: c["solution"].update(derivedKey="00" * 32)),
        lambda good: changed(good, lambda c: c["challenge"]["parameters"].update(cost=1)),
        lambda good: changed(good, lambda c: c["challenge"]["parameters"].update(keyPrefix="")),
        lambda good: changed(good, lambda c: c["challenge"]["parameters"].update(expiresAt=9999999999)),
        lambda good: changed(good, lambda c: c["challenge"].update(signature={})),
        lambda good: changed(good, lambda c: c["challenge"].update(signature=None)),
        lambda good: altcha.Payload(
            *(lambda c: (c, altcha.solve_challenge(c)))(altcha.create_challenge("SHA-256", 1, hmac_secret="mine"))  # type: ignore[arg-type]
        ).to_base64(),
        lambda good: "x",
        lambda good: "\x00",
        lambda good: base64.b64encode(b"[" * 3000).decode(),
        lambda good: "A" * 100_000,
    ],
    ids=["solution", "cost", "prefix", "expiry", "odd", "unsigned", "own", "garbage", "nul", "deep", "long"],
)
def test_forged_proof_is_no_proof(client: Client, settings: Settings, forge: Callable[[str], str]) -> None:
    settings.PROOF_OF_WORK = "always"

    response = post_form(client, make_newsletter(), altcha=forge(solved()))

    assert response.status_code == 303
    assert last_sign_up().is_unproven
    assert tally.last_day()[Layer.PROOF_BAD] == 1


def test_proof_lets_one_sign_up_in_however_it_is_written(client: Client, settings: Settings) -> None:
    settings.PROOF_OF_WORK = "always"
    newsletter, good = make_newsletter(), solved()

    def shout(content: Any) -> None:
        content["challenge"]["signature"] = str(content["challenge"]["signature"]).upper()

    for number, payload in enumerate([good, good, changed(good, lambda c: None), changed(good, shout)]):
        post_form(client, newsletter, email=f"r{number}@example.org", altcha=payload)

    assert list(SignUp.objects.order_by("pk").values_list("is_unproven", flat=True)) == [False, True, True, True]


def test_asking_for_the_mail_again_is_no_way_around_the_proof(client: Client, settings: Settings) -> None:
    settings.PROOF_OF_WORK = "always"

    client.post("/subscribe/check-inbox/", {"email": "victim@example.org"})

    assert last_sign_up().is_unproven


def test_json_is_no_way_around_the_proof(client: Client, settings: Settings) -> None:
    settings.PROOF_OF_WORK = "always"
    values = {"email": "victim@example.org", "newsletters": [make_newsletter().slug]}

    client.post("/subscribe/", json.dumps(values), content_type="application/json")
    client.post("/subscribe/", json.dumps({**values, "email": "r@example.org", "altcha": solved()}), "application/json")

    assert list(SignUp.objects.order_by("pk").values_list("is_unproven", flat=True)) == [True, False]


# --- limits by the hour -----------------------------------------------------------------------------------------------
def test_many_addresses_of_one_domain_come_slowly_and_the_other_domains_as_ever(
    client: Client, settings: Settings
) -> None:
    settings.SIGN_UPS_PER_DOMAIN_AND_HOUR = 2
    newsletter = make_newsletter()
    for address in ("a@victim.example", "b@VICTIM.example", "c@victim.example", "d@other.example"):
        post_form(client, newsletter, email=address)

    assert list(SignUp.objects.order_by("pk").values_list("is_unproven", flat=True)) == [False, False, True, False]


def test_site_over_its_limit_asks_for_a_proof_and_far_over_it_takes_a_break(client: Client, settings: Settings) -> None:
    settings.SIGN_UPS_PER_HOUR = 2
    newsletter = make_newsletter()
    statuses = [
        Client(REMOTE_ADDR=f"198.51.{number}.1")
        .post("/subscribe/", {"email": f"r{number}@example.org", "newsletters": newsletter.slug})
        .status_code
        for number in range(2 * rates.CEILING + 2)
    ]

    unproven = list(SignUp.objects.order_by("pk").values_list("is_unproven", flat=True))
    assert statuses == [303] * 20 + [429] * 2
    assert unproven == [False] * 2 + [True] * 18
    assert client.get("/subscribe/challenge/").status_code == 200


def test_without_a_cache_readers_sign_up_and_the_log_says_so(
    client: Client, settings: Settings, broken_cache: None, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PROOF_OF_WORK = "always"

    post_form(client, make_newsletter(), altcha=solved())

    assert not last_sign_up().is_unproven
    assert "Sign-ups are not limited" in caplog.text


def test_counts_hold_no_part_of_an_address(client: Client) -> None:
    post_form(client, make_newsletter(), email="victim@secret.example")

    keys = b" ".join(cache._cache.get_client(None).keys("*"))  # type: ignore[attr-defined]
    assert b"secret" not in keys
    assert b"victim" not in keys


# --- attack mode ------------------------------------------------------------------------------------------------------
def attempts(count: int, *, at: object = NOW) -> None:
    for _number in range(count):
        make_sign_up(created_at=at)


def test_attack_mode_begins_when_sign_ups_jump_and_ends_after_quiet(settings: Settings) -> None:
    settings.ATTACK_MIN_SIGN_UPS, settings.ATTACK_QUIET_MINUTES = 8, 60
    attempts(7)
    below = attack.watch(NOW)
    attempts(1)

    begun = attack.watch(NOW)
    again = attack.watch(NOW + MINUTE)
    still = attack.watch(NOW + 59 * MINUTE) or attack.is_on()
    ended = attack.watch(NOW + 62 * MINUTE)

    assert (below, begun, again, still, ended) == (False, True, False, True, True)
    assert not attack.is_on()
    row = Attack.objects.get()
    assert (row.peak, row.threshold, row.is_manual) == (8, 8, False)


def test_attack_mode_goes_on_while_robots_do(settings: Settings) -> None:
    settings.ATTACK_MIN_SIGN_UPS = 4
    attempts(4)
    attack.watch(NOW)
    attempts(4, at=NOW + 55 * MINUTE)
    attack.watch(NOW + 55 * MINUTE)

    assert not attack.watch(NOW + 100 * MINUTE)
    assert attack.is_on()


def test_busy_site_needs_a_bigger_jump(settings: Settings) -> None:
    settings.ATTACK_MIN_SIGN_UPS, settings.ATTACK_FACTOR = 2, 200
    attempts(30, at=NOW - timedelta(days=1))  # 30 in a week: 200 times a ten-minute share is six
    attempts(5)

    assert not attack.watch(NOW)
    attempts(2)
    assert attack.watch(NOW)


def test_refused_attempts_count_as_well(settings: Settings) -> None:
    settings.ATTACK_MIN_SIGN_UPS = 3
    for number in range(3):
        rates.admits(f"198.51.{number}.1")

    assert attack.watch(NOW)


def test_two_watchers_begin_one_attack() -> None:
    assert attack.begin(NOW)
    assert not attack.begin(NOW)
    assert Attack.objects.count() == 1


def test_operator_is_told_once_and_again_only_if_no_server_took_it(
    settings: Settings, smtp_mailers: SmtpServer
) -> None:
    settings.OPERATOR_EMAIL = ["desk@example.org"]
    attack.begin(NOW, peak=90, threshold=50)

    told = [attack.tell_operator(NOW), attack.tell_operator(NOW + timedelta(hours=1))]

    (message,) = smtp_mailers.messages
    assert told == [True, False]
    assert message.recipients == ("desk@example.org",)
    assert "90 attempts" in message.parsed.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_operator_is_told_of_the_end_if_they_were_told_of_the_attack(
    settings: Settings, smtp_mailers: SmtpServer
) -> None:
    settings.OPERATOR_EMAIL = ["desk@example.org"]
    attack.begin(NOW, peak=90, threshold=50)
    attack.tell_operator(NOW)
    attack.end(NOW + MINUTE)  # at once, by hand: no lease of the first mail stands in the way
    attack.begin(NOW + 2 * MINUTE, is_manual=True)
    attack.end(NOW + 3 * MINUTE)

    told = [attack.tell_operator(NOW + number * MINUTE) for number in (4, 5, 15)]

    _begun, ended = smtp_mailers.messages
    assert told == [True, False, False]
    assert "quiet again" in ended.parsed["Subject"]
    text = ended.parsed.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Attack mode is off" in text
    assert "90 attempts" in text


def test_trap_and_least_time_can_be_switched_off(client: Client, settings: Settings) -> None:
    settings.SIGN_UP_HONEYPOT, settings.SIGN_UP_MIN_SECONDS = False, 0
    newsletter = make_newsletter()

    answers = [
        post_form(client, newsletter, comment="filled by a password manager"),
        post_form(client, newsletter, form_time=form_time()),
    ]

    assert [answer["Location"] for answer in answers] == ["/subscribe/check-inbox/"] * 2
    assert SignUp.objects.count() == 2
    assert tally.last_day()[Layer.HONEYPOT] == 0


def test_desk_shows_it_in_red_and_health_asks_for_attention(client: Client) -> None:
    attack.begin(NOW, peak=90, threshold=50)
    client.force_login(User.objects.create_superuser("editor"))

    overview = client.get("/admin/").content.decode()

    assert "Attack mode is on" in overview
    assert client.get("/healthz").json()["attention"]["sign_up_attacks"] == 1


def test_desk_switches_it_on_and_off_by_a_post(client: Client) -> None:
    client.force_login(User.objects.create_superuser("editor"))
    switch = "/admin/subscribers/attack/switch/"

    states = [attack.is_on()]
    for method in (client.get, client.post, client.get, client.post):
        assert method(switch).status_code in {200, 302}
        states.append(attack.is_on())

    assert states == [False, False, True, True, False]


def test_desk_without_the_permission_may_not_switch(client: Client) -> None:
    client.force_login(User.objects.create_user("looker", is_staff=True))

    assert client.post("/admin/subscribers/attack/switch/").status_code == 403
    assert client.get("/admin/subscribers/attack/").status_code == 403
    assert not attack.is_on()


def test_every_layer_is_on_the_page_and_in_the_metrics(client: Client) -> None:
    newsletter = make_newsletter()
    post_form(client, newsletter, comment="robot")
    post_form(client, newsletter, form_time="forged")
    client.force_login(User.objects.create_superuser("editor"))

    page = client.get("/admin/subscribers/attack/").content.decode()
    metrics = client.get("/metrics").content.decode()

    assert "Sign-up protection" in page
    assert "CONFIRMATION_MAILS_PER_HOUR" in page.replace("<wbr>", "")
    for layer, count in {Layer.HONEYPOT: 1, Layer.TIME: 1, Layer.NETWORK: 0}.items():
        assert f'broadsheet_sign_up_protection_total{{layer="{layer}"}} {count}.0' in metrics
