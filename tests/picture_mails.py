"""The mails of docs/pictures, as HTML and as text: `write` runs in a product's own process; see pictures.py."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from articles.models import Article
from newsletter.digests import stories, trial_mails
from newsletter.digests.models import Appearance, Issue
from newsletter.digests.rendering import IssueRenderer
from newsletter.subscribers.models import Newsletter

STORIES = 7
ARABIC = (
    ("عودة العبّارة إلى الميناء بعد أربعة أشهر", "قال المجلس إن العبّارة ستعود إلى الخدمة كل صباح."),
    ("سوق السمك يفتح أبوابه تحت سقف جديد", "لم يتسرّب المطر هذه المرة، ووجد الباعة ما يتحدثون عنه غيره."),
    ("المدرسة تزرع غداءها بنفسها", "من حديقة صغيرة خلف المدرسة جاءت البطاطا والفاصوليا ودرس في الحساب."),
)  # fmt: skip


def write(folder: Path) -> None:
    """Three layouts, a dark screen, from right to left, and the text part."""
    now, news = timezone.now(), Newsletter.objects.get(kind="digest")
    found = stories.latest(news.language, count=STORIES, now=now)
    issue = Issue(
        newsletter=news, number=327, send_at=now,
        intro="The ferry is back, and the council has a new plan for the old slipway. Have a look at the pictures.",
    )  # fmt: skip
    for layout in Appearance.Layout.values:
        look = Appearance(newsletter=news, layout=layout, greeting="Good morning, {name}.")
        mail = IssueRenderer(issue, appearance=look).render_stories(found, [])
        for is_dark in (False, True):
            html = trial_mails.html_for(mail, now=now, is_dark=is_dark)
            (folder / f"{layout}{'-dark' if is_dark else ''}.html").write_text(html)
        (folder / f"{layout}.txt").write_text(trial_mails.text_for(mail, now=now))
    (folder / "arabic.html").write_text(_arabic(news))


def _arabic(news: Newsletter) -> str:
    """The demo's pictures with Arabic words. Nothing of it is saved as a digest."""
    now = timezone.now()
    newsletter = Newsletter(pk=news.pk, name="آخر الأخبار", slug=news.slug, language="ar", kind=news.kind)
    pictured = Article.objects.published(now).exclude(picture="").order_by("-released_at", "pk")[: len(ARABIC)]
    for n, (article, (title, summary)) in enumerate(zip(pictured, ARABIC, strict=True)):
        values = {"title": title, "summary": summary, "language": "ar", "picture_credit": ""}
        Article.objects.filter(pk=article.pk).update(**values, released_at=now - timedelta(minutes=n))
    issue = Issue(newsletter=newsletter, number=327, send_at=now, intro="صباح الخير. عادت العبّارة.")
    mail = IssueRenderer(issue, appearance=Appearance(newsletter=newsletter)).render_stories(
        stories.latest("ar", count=len(ARABIC), now=now), []
    )
    return trial_mails.html_for(mail, now=now)
