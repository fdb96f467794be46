
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0017_repeats'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaign',
            name='failing_since',
            field=models.DateTimeField(editable=False, help_text='when it first paused by itself for something that does not work; null as soon as a server answers for a mail', null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='resumed_at',
            field=models.DateTimeField(editable=False, help_text='when it went on after its last pause', null=True),
        ),
    ]
