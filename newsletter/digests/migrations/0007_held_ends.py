"""Held issues end, whoever approved is told anew, and links keep their verdict while they are asked again."""

from typing import Any

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Coalesce


def note_occasions(apps: Any, schema_editor: Any) -> None:
    """Nobody is told a second time of what they were told of before."""
    alias = schema_editor.connection.alias
    versions = apps.get_model("digests", "IssueVersion").objects.using(alias)
    decisions = versions.filter(issue=models.OuterRef("issue"), action__in=["approved", "held", "reopened"])
    latest = models.Subquery(decisions.order_by("-pk").values("number")[:1])
    apps.get_model("digests", "IssueNotice").objects.using(alias).update(occasion=Coalesce(latest, 0))


class Migration(migrations.Migration):

    dependencies = [
        ('articles', '0002_follow_whole_items'),
        ('digests', '0006_approved_by_hand'),
        ('subscribers', '0007_tells_of_drafts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='issue',
            name='stopped_issue_has_reason',
        ),
        migrations.RemoveConstraint(
            model_name='issuenotice',
            name='one_notice_per_issue_and_editor',
        ),
        migrations.RemoveIndex(
            model_name='linkcheck',
            name='link_check_waiting',
        ),
        migrations.AddField(
            model_name='issuenotice',
            name='kind',
            field=models.CharField(choices=[('held', 'it is held'), ('opened', 'its draft is open')], db_default='held', default='held', max_length=6),
        ),
        migrations.AddField(
            model_name='issuenotice',
            name='occasion',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='linkcheck',
            name='next_attempt_at',
            field=models.DateTimeField(db_index=True, help_text='null: nobody asks it at the moment', null=True),
        ),
        migrations.AlterField(
            model_name='issue',
            name='status',
            field=models.CharField(choices=[('draft', 'draft'), ('in_review', 'in review'), ('approved', 'approved'), ('held', 'held'), ('skipped', 'skipped'), ('cancelled', 'cancelled'), ('expired', 'expired, never sent')], default='draft', max_length=9, verbose_name='status'),
        ),
        migrations.AddConstraint(
            model_name='issue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['skipped', 'held', 'expired']), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='stopped_issue_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='issuenotice',
            constraint=models.UniqueConstraint(fields=('issue', 'editor', 'kind', 'occasion'), name='one_notice_per_editor_and_occasion'),
        ),
        migrations.RunPython(note_occasions, migrations.RunPython.noop),
    ]
