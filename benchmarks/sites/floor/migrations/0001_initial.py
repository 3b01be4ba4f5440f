from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Event",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("timestamp", models.BigIntegerField()),
                ("event", models.CharField(max_length=255)),
                ("action", models.CharField(max_length=255)),
                ("triggered_by", models.CharField(max_length=255)),
            ],
        )
    ]
