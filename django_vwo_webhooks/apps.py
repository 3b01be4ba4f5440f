import sys
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


def _run_late(name: str) -> Any:
    """A check that is imported when it runs: web servers run none, and would pay for the import."""

    def check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
        messages: list[CheckMessage] = import_string(f"{__package__}.checks.{name}")(
            app_configs, **kwargs
        )
        return messages

    return check


class VWOWebhooksConfig(AppConfig):
    name = "django_vwo_webhooks"
    verbose_name = _("VWO webhooks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(_run_late("check_settings"))
        register(_run_late("check_urls"))
        register(_run_late("check_redirects"))
        register(_run_late("check_database"))
        register(_run_late("check_retention"), Tags.database)
        register(_run_late("check_kill_switches"), Tags.database)
        register(_run_late("check_tables"), Tags.database)
        if "sentry_sdk" in sys.modules:
            import_string("django_vwo_webhooks.contrib.sentry.install")()
