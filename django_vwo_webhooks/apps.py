import sys

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class VWOWebhooksConfig(AppConfig):
    name = "django_vwo_webhooks"
    verbose_name = _("VWO webhooks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .checks import (
            check_database,
            check_kill_switches,
            check_redirects,
            check_retention,
            check_settings,
            check_tables,
            check_urls,
        )

        register(check_settings)
        register(check_urls)
        register(check_redirects)
        register(check_database)
        register(check_retention, Tags.database)
        register(check_kill_switches, Tags.database)
        register(check_tables, Tags.database)
        if "sentry_sdk" in sys.modules:
            import_string("django_vwo_webhooks.contrib.sentry.install")()
