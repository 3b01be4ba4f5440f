"""``manage.py vwo_send_webhook``: post to the site's webhook as VWO would."""

from typing import Any
from urllib.parse import urljoin

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch, reverse

from django_vwo_webhooks.conf import app_settings
from django_vwo_webhooks.management.advice import advice
from django_vwo_webhooks.management.outgoing import (
    DeliveryAttempt,
    OutgoingWebhook,
    webhook_payload,
)

RETRY_SECONDS = (1.0, 2.0)
GIVE_UP_SECONDS = 3600.0


class Command(BaseCommand):
    """Sends one webhook and prints the response."""

    help = "Posts to this site's webhook, or to another URL, as VWO does after a change."

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the command's options."""
        parser.add_argument("url", nargs="?", help="URL to post to (default: this site's webhook)")
        parser.add_argument("--host", default="http://127.0.0.1:8000", help="this site's address")
        parser.add_argument("--action", default="feature_flag_updated", help="payload's action")
        parser.add_argument("--event", default="settings_changed", help="payload's event")
        parser.add_argument("--triggered-by", default="vwo", help="payload's triggered_by")
        parser.add_argument("--timestamp", type=int, help="in Unix seconds (default: now)")
        parser.add_argument("--secret", help="secret to send (default: the first configured one)")
        parser.add_argument("--retry", action="store_true", help="retry as VWO does, until a 2xx")

    def handle(self, *args: Any, **options: Any) -> None:
        """Send; raises ``CommandError`` with advice unless the webhook answers with a 2xx."""
        payload = webhook_payload(
            options["action"], options["event"], options["triggered_by"], options["timestamp"]
        )
        url = options["url"] or self._own_url(options["host"])
        secret = options["secret"] or self._own_secret()
        try:
            webhook = OutgoingWebhook(url, payload, secret, on_attempt=self._print_attempt)
        except ValueError as error:
            raise CommandError(str(error)) from None
        if options["retry"]:
            webhook.run(RETRY_SECONDS, GIVE_UP_SECONDS)
        else:
            webhook.attempt()
        last = webhook.attempts[-1]
        if problem := advice(url, last):
            raise CommandError(f"Not delivered to {url}: {problem}")

    def _own_url(self, host: str) -> str:
        address = host if "://" in host else f"http://{host}"
        try:
            return urljoin(address, reverse("django_vwo_webhooks:webhook"))
        except NoReverseMatch:
            raise CommandError(
                "This site has no webhook: include django_vwo_webhooks.urls in its URLs, "
                "or give a URL."
            ) from None

    def _own_secret(self) -> str:
        if not app_settings.secrets:
            raise CommandError('Set VWO_WEBHOOKS["SECRET"] or give --secret.')
        return app_settings.secrets[0]

    def _print_attempt(self, attempt: DeliveryAttempt) -> None:
        if attempt.status is None:
            self.stdout.write(f"{attempt.error} ({attempt.seconds:.2f} s)")
            return
        line = f"HTTP {attempt.status} in {attempt.seconds:.2f} s"
        if attempt.is_from_webhook:
            event = attempt.answer.get("event")
            line += f": {attempt.message}" if attempt.message else ""
            line += f" (event {event})" if event is not None else ""
        self.stdout.write(line)
