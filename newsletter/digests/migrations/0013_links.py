import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Links are known when a mail is made, far below where clicks are counted: the model moves, its table stays."""

    dependencies = [
        ("digests", "0012_short_editions"),
        ("engagement", "0002_ratings"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="Link",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                        ),
                        ("url", models.URLField(max_length=2000, verbose_name="destination")),
                        ("url_hash", models.CharField(editable=False, max_length=64)),
                        ("click_count", models.PositiveIntegerField(default=0, verbose_name="readers who clicked")),
                        (
                            "issue",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="links",
                                to="digests.issue",
                                verbose_name="issue",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name": "link",
                        "verbose_name_plural": "links",
                        "db_table": "engagement_link",
                        "ordering": ["issue", "pk"],
                        "constraints": [
                            models.UniqueConstraint(fields=("issue", "url_hash"), name="one_link_per_issue_and_url")
                        ],
                    },
                ),
            ],
        ),
    ]
