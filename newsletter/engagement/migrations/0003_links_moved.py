import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """The model of links is a part of digests now; neither table changes."""

    dependencies = [
        ("engagement", "0002_ratings"),
        ("digests", "0013_links"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="event",
                    name="link",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="events",
                        to="digests.link",
                    ),
                ),
                migrations.DeleteModel(name="Link"),
            ],
        ),
    ]
