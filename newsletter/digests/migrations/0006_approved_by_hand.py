"""That a person approved an issue is a fact of its own: it outlives the person's account."""

from typing import Any

from django.db import migrations, models


def note_who_approved(apps: Any, schema_editor: Any) -> None:
    issues = apps.get_model("digests", "Issue").objects.using(schema_editor.connection.alias)
    issues.filter(approved_by__isnull=False).update(is_approved_by_hand=True)


class Migration(migrations.Migration):

    dependencies = [
        ('digests', '0005_announcing'),
    ]

    operations = [
        migrations.AddField(
            model_name='issue',
            name='is_approved_by_hand',
            field=models.BooleanField(db_default=False, default=False, editable=False, help_text="a person approved it, not its schedule’s rule; stays so when that person's account is deleted"),
        ),
        migrations.RunPython(note_who_approved, migrations.RunPython.noop),
    ]
