from typing import Any

from django.db import migrations


def fill(apps: Any, schema_editor: Any) -> None:
    """Give the snapshots that are there what later ones are stored with."""
    using = schema_editor.connection.alias
    changed_features = apps.get_model("django_vwo_webhooks", "ChangedFeature").objects.using(using)
    snapshots = apps.get_model("django_vwo_webhooks", "SettingsSnapshot").objects.using(using)
    for snapshot in snapshots.defer("settings").iterator(chunk_size=100):
        changes = snapshot.changes
        snapshots.filter(pk=snapshot.pk).update(
            change_count=len(changes), headline=changes[0]["text"][:300] if changes else ""
        )
        flags = [change["feature"].encode("ascii", "backslashreplace") for change in changes]
        keys = {flag.decode().replace("\0", "\\x00")[:255]: None for flag in flags}
        changed_features.bulk_create(
            changed_features.model(snapshot_id=snapshot.pk, feature=key) for key in keys if key
        )


class Migration(migrations.Migration):
    dependencies = [
        ("django_vwo_webhooks", "0002_trail"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
