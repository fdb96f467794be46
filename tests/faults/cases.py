"""What goes wrong in the middle of a campaign, a function each, and what each may cost.

``may_repeat``: only at an unclean death may a message that was in flight come twice, as the same message.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.faults.trial import Trial
from tests.product import eventually
from tests.servers.mailgun import Bad
from tests.servers.smtp import Stage

MIDDLE = 0.3  # of the readers have it when things go wrong
SLOW = 120.0
LONG = 200.0  # what takes a command to happen must not come too late, however busy the machine is
WINDOW = 8  # messages under way on a connection to a server that is near (window.USUAL; this must not need Django)
UNDER_WAY = WINDOW * 4 * 2  # connections of each of the processes that send
BATCH = 100  # what the provider is given in a call


@dataclass(frozen=True)
class Case:
    name: str
    happen: Callable[[Trial], None]
    may_repeat: int = 0  # messages that can be in flight at the unclean deaths
    ends: str = "finished"
    needs: str = ""  # the part of the machine that this case breaks (database, disk, clock), "tls", or "provider"
    fewest: int = 0  # readers, or it would be over at once


CASES: list[Case] = []


def case[F: Callable[[Trial], None]](
    name: str, *, may_repeat: int = 0, ends: str = "finished", needs: str = "", fewest: int = 0
) -> Callable[[F], F]:
    def register(happen: F) -> F:
        CASES.append(Case(name, happen, may_repeat, ends, needs, fewest))
        return happen

    return register


def come_to_the_middle(trial: Trial) -> None:
    """So slowly that what happens next does not come too late."""
    trial.pace(40)
    trial.launch()
    trial.after(MIDDLE)


# --- nothing goes wrong -----------------------------------------------------------------------------------------------
@case("nothing happens")
def nothing(trial: Trial) -> None:
    trial.launch()


# --- processes --------------------------------------------------------------------------------------------------------
@case("SIGTERM to the worker")
def worker_stopped(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.site.stop_part("worker")


@case("kill -9 of one worker process", may_repeat=UNDER_WAY)
def child_killed(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.site.kill_child("worker")


@case("kill -9 of all workers", may_repeat=UNDER_WAY)
def workers_killed(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.site.kill_part("worker")


@case("kill -9 of beat")
def beat_killed(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.site.kill_part("beat")


@case("kill -9 of web")
def web_killed(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.site.kill_part("web")


@case("twenty kills at random moments", may_repeat=20 * UNDER_WAY)
def twenty_kills(trial: Trial) -> None:
    chance = random.Random(trial.slug)
    trial.pace(LONG)
    trial.launch()
    trial.after(0.02)
    for _kill in range(20):
        part = chance.choice(["worker", "worker", "beat", "web"])
        eventually(partial(trial.site.processes_of, part), seconds=SLOW)
        trial.site.kill_part(part)
        time.sleep(chance.uniform(0.3, 3))
    trial.relay.behave()


@case("a worker process stands still beyond its lease", may_repeat=UNDER_WAY)
def stands_still(trial: Trial) -> None:
    trial.launch()
    trial.after(MIDDLE)
    hold = trial.relay.hold(Stage.MESSAGE, times=None)
    hold.wait(SLOW)
    time.sleep(1)  # so that it waits for the relay, and not in the middle of writing to the database
    sleeper = trial.a_sender()
    os.kill(sleeper, signal.SIGSTOP)
    try:
        trial.relay.behave()
        trial.until("finished", seconds=SLOW)
    finally:
        os.kill(sleeper, signal.SIGCONT)
    time.sleep(5)  # what it does when it wakes


LAUNCH_FIRST_SLICE = """
from django.utils import timezone
from newsletter.delivery import campaigns
from newsletter.delivery.models import Campaign
from newsletter.subscribers.models import Newsletter
issue = campaigns.send_now(newsletter=Newsletter.objects.get(slug="{slug}"), now=timezone.now())
campaigns.launch(issue, now=timezone.now())
print(Campaign.objects.being_filled().count())
"""


@case("kill -9 of all workers between two slices of the ledger", may_repeat=UNDER_WAY, fewest=6000)
def killed_between_slices(trial: Trial) -> None:
    left = trial.console.run(LAUNCH_FIRST_SLICE.format(slug=trial.slug))
    trial.site.kill_part("worker")
    assert left.strip() == "1", "the ledger was made at one go"


@case("Redis restarted empty")
def broker_emptied(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.site.empty_broker()


# --- the relay --------------------------------------------------------------------------------------------------------
@case("relay down for a while", may_repeat=UNDER_WAY)
def relay_down(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.relay.stop()
    trial.until("paused", seconds=SLOW, pass_time=False)
    trial.relay.start()


@case("every fifth message refused with 454")
def every_fifth_deferred(trial: Trial) -> None:
    trial.relay.refuse(Stage.RCPT, "454 4.7.1 try again later", every=5, times=trial.count // 5)
    trial.launch()


@case("some refused for good")
def some_refused(trial: Trial) -> None:
    for number in range(0, trial.count, max(trial.count // 7, 1)):
        trial.barred.add(trial.address(number))
        trial.relay.refuse(Stage.RCPT, "550 5.1.1 no such user", recipient=trial.address(number))
    trial.launch()


@case("relay answers slowly")
def relay_slow(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.relay.slow_down(Stage.MESSAGE, 0.5, times=40)


@case("relay hangs up in the middle of DATA", may_repeat=10 * WINDOW)
def cut_in_data(trial: Trial) -> None:
    trial.relay.hang_up(Stage.BODY, after=int(trial.count * MIDDLE), times=10)
    trial.launch()


@case("relay hangs up just after DATA", may_repeat=10 * WINDOW)
def cut_after_data(trial: Trial) -> None:
    trial.relay.hang_up(Stage.STORED, after=int(trial.count * MIDDLE), times=10)
    trial.launch()


@case("relay closes with 421 now and then")
def closing(trial: Trial) -> None:
    trial.relay.refuse(Stage.MAIL, "421 4.3.2 closing", every=max(trial.count // 20, 2), times=15)
    trial.launch()


@case("TLS breaks with mails under way", may_repeat=10 * WINDOW, needs="tls")
def tls_broken(trial: Trial) -> None:
    trial.relay.break_tls(Stage.BODY, after=int(trial.count * MIDDLE), times=5)
    trial.relay.break_tls(Stage.STORED, after=int(trial.count * MIDDLE), times=5)
    trial.launch()


@case("TLS cannot be agreed on for a while", may_repeat=UNDER_WAY, needs="tls")
def tls_refused(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.relay.break_tls(Stage.TLS)
    trial.relay.break_tls(Stage.MAIL)
    trial.until("paused", seconds=SLOW, pass_time=False)
    trial.relay.behave()


# --- a provider -------------------------------------------------------------------------------------------------------
@case("provider takes a batch and drops the connection", may_repeat=BATCH, needs="provider")
def batch_cut(trial: Trial) -> None:
    trial.provider.then(Bad(takes=True, hangs_up=True))
    trial.launch()


@case("provider takes a batch and answers 500", may_repeat=BATCH, needs="provider")
def batch_taken_with_error(trial: Trial) -> None:
    trial.provider.then(Bad(status=500, takes=True))
    trial.launch()


@case("provider answers 429", needs="provider")
def batch_not_now(trial: Trial) -> None:
    trial.provider.then(*[Bad(status=429, headers={"Retry-After": "1"})] * 3)
    trial.launch()


@case("provider answers 400 for one address", needs="provider")
def batch_with_a_bad_address(trial: Trial) -> None:
    trial.barred.add(trial.address(7))
    trial.provider.refuse(trial.address(7))
    trial.launch()


# --- people -----------------------------------------------------------------------------------------------------------
TWICE = """
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from django.utils import timezone
from newsletter.delivery import campaigns, sweeping
from newsletter.subscribers.models import Newsletter
def sweep(issue):
    try:
        campaigns.launch(issue, now=timezone.now())
        list(sweeping.sweep(now=timezone.now()))
    finally:
        connection.close()
issue = campaigns.send_now(newsletter=Newsletter.objects.get(slug="{slug}"), now=timezone.now())
with ThreadPoolExecutor(4) as schedulers:
    list(schedulers.map(sweep, [issue] * 4))
"""


@case("four schedulers and four launches at once")
def many_launches(trial: Trial) -> None:
    trial.console.run(TWICE.format(slug=trial.slug))


PRESS = """
from django.utils import timezone
from newsletter.delivery import campaigns
from newsletter.delivery.models import Campaign
campaign = Campaign.objects.get(issue__newsletter__slug="{slug}")
"""


@case("paused and resumed")
def paused(trial: Trial) -> None:
    trial.pace(LONG)
    trial.launch()
    trial.after(0.1)
    press = PRESS.format(slug=trial.slug)
    trial.console.run(press + 'assert campaign.pause(reason="a test")')
    time.sleep(2)
    two_seconds_later = len(trial.received())
    trial.settled()
    held = len(trial.received())
    assert held - two_seconds_later <= UNDER_WAY, "it went on although it was paused"
    trial.relay.behave()
    time.sleep(2)
    assert len(trial.received()) == held, "it went on although nothing was under way"
    trial.console.run(press + "assert campaign.resume(timezone.now())")


@case("cancelled", ends="cancelled")
def cancelled(trial: Trial) -> None:
    trial.pace(LONG)
    trial.launch()
    trial.after(0.1)
    trial.console.run(PRESS.format(slug=trial.slug) + "assert campaigns.cancel(campaign, now=timezone.now())")
    time.sleep(2)
    got = set(trial.received())
    trial.relay.behave()
    trial.settled()
    late = set(trial.received()) - got
    got |= late if len(late) <= UNDER_WAY else set()
    trial.excused |= trial.readers - got
    trial.barred |= trial.readers - got


LEAVE = """
from django.utils import timezone
from newsletter.subscribers import privacy, unsubscribing
from newsletter.subscribers.models import ConsentRecord, Subscriber, Subscription
now = timezone.now()
for subscription in Subscription.objects.filter(subscriber__email__in={leaving}):
    unsubscribing.unsubscribe(subscription=subscription, method=ConsentRecord.Method.PAGE, now=now)
for subscriber in Subscriber.objects.filter(email__in={erased}):
    privacy.erase(subscriber=subscriber, now=now)
"""


@case("readers leave and are erased on the way")
def leaving(trial: Trial) -> None:
    trial.pace(LONG)
    trial.launch()
    trial.after(0.1)
    late = [trial.address(number) for number in range(trial.count - 20, trial.count)]
    trial.console.run(LEAVE.format(leaving=late[:10], erased=late[10:]))
    got = set(trial.received())
    trial.barred |= set(late) - got
    trial.excused |= set(late)
    trial.relay.behave()


WITHDRAW = """
from articles.models import Article
from django.utils import timezone
assert Article.objects.get(slug="{slug}-0").withdraw(timezone.now())
"""


@case("an article is withdrawn on the way")
def withdrawn(trial: Trial) -> None:
    trial.pace(LONG)
    trial.launch()
    trial.after(0.1)
    trial.console.run(WITHDRAW.format(slug=trial.slug))
    time.sleep(3)  # it is looked at every second, and what was made before is let go
    assert len(trial.received()) < trial.count, "it was over before that"
    trial.relay.behave()
    trial.after(1)
    last = [each for each in trial.relay.messages if each.recipients[0].startswith(f"{trial.slug}-")][-1]
    body = last.parsed.get_body(("html",))
    assert body
    told = " ".join(body.get_content().split())
    assert f"Story 1 for {trial.slug}" in told, "the other story must stay"
    assert f"Story 0 for {trial.slug}" not in told, "a withdrawn story still goes out"


# --- services and the machine -----------------------------------------------------------------------------------------
@case("PostgreSQL restarted", may_repeat=UNDER_WAY, needs="database")
def database_restarted(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.machine.restart_database()


@case("the disk is full for a while", may_repeat=UNDER_WAY, needs="disk")
def disk_full(trial: Trial) -> None:
    come_to_the_middle(trial)
    with trial.machine.full_disk():
        time.sleep(8)
    trial.relay.behave()


@case("the clock jumps an hour ahead", may_repeat=UNDER_WAY, needs="clock")
def clock_ahead(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.machine.shift_clock(3600)
    trial.relay.behave()


@case("the clock jumps an hour back", may_repeat=UNDER_WAY, needs="clock")
def clock_back(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.machine.shift_clock(-3600)
    trial.relay.behave()
