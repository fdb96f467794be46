"""The product's code keeps to the shape that docs/conventions.md describes, and each rule bites."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.architecture import direction, shape
from tests.architecture.sources import Source, python_sources

Rule = Callable[[Source], Iterator[str]]

LONG_FUNCTION = "def everything():\n" + "    print('and then')\n" * 40
THICK_TASK = """
@shared_task
def send(*, campaign_id: int) -> None:
    campaign = Campaign.objects.get(pk=campaign_id)
    if campaign.is_due:
        for send in campaign.sends.all():
            send.go()
"""
TASK_WITH_A_ROW = "@shared_task\ndef send(*, campaign: Campaign) -> None:\n    dispatch(campaign)\n"
TASK_WITH_A_POSITION = "@shared_task(bind=True)\ndef send(campaign_id: int) -> None:\n    dispatch(campaign_id)\n"
HIDDEN_IMPORT = "def launch():\n    from newsletter.digests import models\n"

OFFENDERS: list[tuple[Rule, Source]] = [
    (shape.long_files, Source("articles/views.py", "x = 1\n" * 401)),
    (shape.long_functions, Source("articles/views.py", LONG_FUNCTION)),
    (shape.catch_all_names, Source("articles/services.py", "")),
    (shape.catch_all_names, Source("newsletter/utils/dates.py", "")),
    (shape.thick_tasks, Source("newsletter/delivery/tasks.py", THICK_TASK)),
    (shape.thick_tasks, Source("newsletter/delivery/tasks.py", TASK_WITH_A_ROW)),
    (shape.thick_tasks, Source("newsletter/delivery/tasks.py", TASK_WITH_A_POSITION)),
    (direction.hidden_imports, Source("newsletter/delivery/campaigns.py", HIDDEN_IMPORT)),
    (direction.upward_strings, Source("articles/models.py", "ForeignKey('delivery.Send')")),
    (direction.upward_strings, Source("newsletter/digests/x.py", "import_string('newsletter.delivery.tasks.sweep')")),
]
RULES_FOR_ALL = [shape.long_files, shape.long_functions, shape.catch_all_names, direction.hidden_imports]
RULES_FOR_THE_PRODUCT = [shape.thick_tasks, direction.upward_strings]


def findings(rule: Rule, *, with_tests: bool) -> list[str]:
    return [finding for source in python_sources(with_tests=with_tests) for finding in rule(source)]


@pytest.mark.parametrize("rule", RULES_FOR_ALL, ids=lambda rule: rule.__name__)
def test_product_and_tests_keep_the_rule(rule: Rule) -> None:
    assert findings(rule, with_tests=True) == []


@pytest.mark.parametrize("rule", RULES_FOR_THE_PRODUCT, ids=lambda rule: rule.__name__)
def test_product_keeps_the_rule(rule: Rule) -> None:
    assert findings(rule, with_tests=False) == []


@pytest.mark.parametrize(("rule", "offender"), OFFENDERS, ids=lambda value: getattr(value, "__name__", ""))
def test_rule_bites(rule: Rule, offender: Source) -> None:
    assert list(rule(offender))


def test_downward_strings_and_ordinary_tasks_are_fine() -> None:
    task = Source(
        "newsletter/delivery/tasks.py", "@shared_task\ndef sweep() -> None:\n    campaigns.sweep(now=now())\n"
    )
    down = Source("newsletter/delivery/models.py", "ForeignKey('subscribers.Subscriber')")

    assert [*shape.thick_tasks(task), *direction.upward_strings(down)] == []
