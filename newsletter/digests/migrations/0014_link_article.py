import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0002_follow_whole_items"),
        ("digests", "0013_links"),
        ("engagement", "0003_links_moved"),
    ]

    operations = [
        migrations.AddField(
            model_name="link",
            name="article",
            field=models.ForeignKey(
                help_text="None if it leads to no story.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="links",
                to="articles.article",
                verbose_name="article",
            ),
        ),
    ]
