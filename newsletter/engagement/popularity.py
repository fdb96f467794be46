"""How much an article is read, from measured clicks, for the order of issues (digests/ranking.py).

An article's popularity is how many readers clicked it, each counting half as much after HALF_LIFE; what is older than
KEPT counts nothing. Who comes back on another day counts again. Readers who do not agree to be measured are not in it,
so it says which story, not how many.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncHour

from articles.models import Article
from newsletter.engagement.models import Event

HALF_LIFE, KEPT = timedelta(days=2), timedelta(days=14)
NEGLIGIBLE = 0.005  # of a reader: what changes by less is left as it is


def refresh(*, now: datetime) -> int:
    """Write anew what has changed. Returns how many articles. Two selects, and one update for 500 articles."""
    scores = _scores(now)
    known = dict(Article.objects.exclude(score=0).values_list("pk", "score"))
    changed = [
        Article(pk=pk, score=scores.get(pk, 0.0))
        for pk in sorted(scores.keys() | known.keys())
        if abs(scores.get(pk, 0.0) - known.get(pk, 0.0)) >= NEGLIGIBLE or (pk in known and pk not in scores)
    ]
    Article.objects.bulk_update(changed, ["score"], batch_size=500)
    return len(changed)


def _scores(now: datetime) -> dict[int, float]:
    """By article. The database counts by the hour, so that a row stands for many clicks."""
    clicks = Event.objects.filter(
        kind=Event.Kind.CLICKED, at__gt=now - KEPT, at__lte=now, link__article__isnull=False, send__isnull=False
    )
    hours = clicks.order_by().annotate(hour=TruncHour("at")).values_list("link__article", "hour")
    scores: defaultdict[int, float] = defaultdict(float)
    for article, hour, count in hours.annotate(count=Count("send__subscriber", distinct=True)):
        scores[article] += count * 0.5 ** ((now - hour) / HALF_LIFE)
    return dict(scores)
