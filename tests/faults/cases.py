"""What goes wrong in the middle of a campaign, a function each, and what each may cost.

``in_flight`` marks the unclean deaths: only there may a message that was in flight come twice, as the same message.
"""

from __future__ import annotations

import random
import threading
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


@dataclass(frozen=True)
class Case:
    name: str
    happen: Callable[[Trial], None]
    may_repeat: bool = False
    ends: str = "finished"
    needs: str = ""  # the part of the machine that this case breaks (database, disk, clock), or "provider"


CASES: list[Case] = []


def case[F: Callable[[Trial], None]](
    name: str, *, may_repeat: bool = False, ends: str = "finished", needs: str = ""
) -> Callable[[F], F]:
    def register(happen: F) -> F:
        CASES.append(Case(name, happen, may_repeat, ends, needs))
        return happen

    return register


def come_to_the_middle(trial: Trial) -> None:
    """So slowly that what happens next does not come too late."""
    trial.pace(15)
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


@case("kill -9 of one worker process", may_repeat=True)
def child_killed(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.site.kill_child("worker")


@case("kill -9 of all workers", may_repeat=True)
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


@case("twenty kills at random moments", may_repeat=True)
def twenty_kills(trial: Trial) -> None:
    chance = random.Random(trial.slug)
    trial.pace(30)  # or it would be over after the first
    trial.launch()
    trial.after(0.02)
    for _kill in range(20):
        part = chance.choice(["worker", "worker", "beat", "web"])
        eventually(partial(trial.site.processes_of, part), seconds=SLOW)
        trial.site.kill_part(part)
        time.sleep(chance.uniform(0.3, 3))
    trial.relay.behave()


@case("Redis restarted empty")
def broker_emptied(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.site.empty_broker()


# --- the relay --------------------------------------------------------------------------------------------------------
@case("relay down for a while", may_repeat=True)
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


@case("relay hangs up in the middle of DATA", may_repeat=True)
def cut_in_data(trial: Trial) -> None:
    trial.relay.hang_up(Stage.BODY, after=int(trial.count * MIDDLE), times=10)
    trial.launch()


@case("relay hangs up just after DATA", may_repeat=True)
def cut_after_data(trial: Trial) -> None:
    trial.relay.hang_up(Stage.STORED, after=int(trial.count * MIDDLE), times=10)
    trial.launch()


@case("relay closes with 421 now and then")
def closing(trial: Trial) -> None:
    trial.relay.refuse(Stage.MAIL, "421 4.3.2 closing", every=max(trial.count // 20, 2), times=15)
    trial.launch()


# --- a provider -------------------------------------------------------------------------------------------------------
@case("provider takes a batch and drops the connection", may_repeat=True, needs="provider")
def batch_cut(trial: Trial) -> None:
    trial.provider.then(Bad(takes=True, hangs_up=True))
    trial.launch()


@case("provider takes a batch and answers 500", may_repeat=True, needs="provider")
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
@case("two schedulers and two launches at once")
def two_launches(trial: Trial) -> None:
    sweeps = [threading.Thread(target=trial.site.manage, args=("tick",)) for _ in range(2)]
    trial.launch()
    for each in sweeps:
        each.start()
    for each in sweeps:
        each.join()


PRESS = """
from django.utils import timezone
from newsletter.delivery import campaigns
from newsletter.delivery.models import Campaign
campaign = Campaign.objects.get(issue__newsletter__slug="{slug}")
"""


@case("paused and resumed")
def paused(trial: Trial) -> None:
    trial.pace(30)
    trial.launch()
    trial.after(0.1)
    press = PRESS.format(slug=trial.slug)
    trial.site.run(press + 'assert campaign.pause(reason="a test")')
    time.sleep(2)
    held = len(trial.received())
    time.sleep(3)
    assert len(trial.received()) == held, "it went on although it was paused"
    trial.relay.behave()
    trial.site.run(press + "assert campaign.resume()")


@case("cancelled", ends="cancelled")
def cancelled(trial: Trial) -> None:
    trial.pace(30)
    trial.launch()
    trial.after(0.1)
    trial.site.run(PRESS.format(slug=trial.slug) + "assert campaigns.cancel(campaign, now=timezone.now())")
    time.sleep(2)
    got = set(trial.received())
    trial.excused |= trial.readers - got
    trial.barred |= trial.readers - got
    trial.relay.behave()


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
    trial.pace(20)
    trial.launch()
    trial.after(0.1)
    late = [trial.address(number) for number in range(trial.count - 20, trial.count)]
    trial.site.run(LEAVE.format(leaving=late[:10], erased=late[10:]))
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
    trial.pace(40)
    trial.launch()
    trial.after(0.1)
    trial.site.run(WITHDRAW.format(slug=trial.slug))
    time.sleep(3)  # it is looked at every second, and what was made before is let go
    trial.relay.behave()
    trial.after(1)
    last = [each for each in trial.relay.messages if each.recipients[0].startswith(f"{trial.slug}-")][-1]
    assert b"Story 1 for" in last.content, "the other story must stay"
    assert b"Story 0 for" not in last.content, "a withdrawn story still goes out"


# --- services and the machine -----------------------------------------------------------------------------------------
@case("PostgreSQL restarted", may_repeat=True, needs="database")
def database_restarted(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.machine.restart_database()


@case("the disk is full for a while", may_repeat=True, needs="disk")
def disk_full(trial: Trial) -> None:
    come_to_the_middle(trial)
    with trial.machine.full_disk():
        time.sleep(8)
    trial.relay.behave()


@case("the clock jumps an hour ahead", may_repeat=True, needs="clock")
def clock_ahead(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.machine.shift_clock(3600)
    trial.relay.behave()


@case("the clock jumps an hour back", may_repeat=True, needs="clock")
def clock_back(trial: Trial) -> None:
    come_to_the_middle(trial)
    trial.machine.shift_clock(-3600)
    trial.relay.behave()
