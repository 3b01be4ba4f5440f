"""``manage.py vwo_send_webhook``: call the site's webhook as VWO would."""

import json
from typing import Any
from urllib.parse import urljoin

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch, reverse

from django_vwo_webhooks.conf import app_settings
from django_vwo_webhooks.testing.deliveries import Attempt, Delivery, webhook_payload

RETRY_SECONDS = (1.0, 2.0)
GIVE_UP_SECONDS = 3600.0
ADVICE: dict[int, str] = {
    301: "The URL redirects, which VWO does not follow: give the final one, with its slash.",
    302: "The URL redirects, which VWO does not follow: give the final one.",
    400: "The site understood the call and refused the payload.",
    401: 'The secret is not one of VWO_WEBHOOKS["SECRET"] at the site that answered.',
    403: "Something in front of the webhook refused the call: look for CSRF or a firewall.",
    404: "Nothing is at this URL: include django_vwo_webhooks.urls in the site's URLs.",
    503: "The webhook works, and the settings could not be fetched from VWO: see vwo_status.",
}


class Command(BaseCommand):
    """Posts one webhook and says what came back."""

    help = "Calls this site's webhook, or another URL, as VWO does after a change."

    def add_arguments(self, parser: CommandParser) -> None:
        """Define the command's options."""
        parser.add_argument("url", nargs="?", help="where to post (default: this site's webhook)")
        parser.add_argument("--host", default="http://127.0.0.1:8000", help="this site's address")
        parser.add_argument("--action", default="feature_flag_updated", help="of the payload")
        parser.add_argument("--event", default="settings_changed", help="of the payload")
        parser.add_argument("--triggered-by", default="vwo", help="of the payload")
        parser.add_argument("--timestamp", type=int, help="Unix seconds (default: now)")
        parser.add_argument("--secret", help="default: the first configured secret")
        parser.add_argument("--retry", action="store_true", help="retry as VWO does until a 2xx")

    def handle(self, *args: Any, **options: Any) -> None:
        """Post; raises ``CommandError`` with advice unless a 2xx came."""
        payload = webhook_payload(
            options["action"], options["event"], options["triggered_by"], options["timestamp"]
        )
        url = options["url"] or self._own_url(options["host"])
        try:
            delivery = Delivery(
                url, payload, options["secret"] or self._own_secret(), on_attempt=self._tell
            )
        except ValueError as problem:
            raise CommandError(str(problem)) from None
        if options["retry"]:
            delivery.run(RETRY_SECONDS, GIVE_UP_SECONDS)
        else:
            delivery.attempt()
        last = delivery.attempts[-1]
        if not last.succeeded:
            raise CommandError(f"Not delivered to {url}: {self._advice(last)}")

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

    def _tell(self, attempt: Attempt) -> None:
        if attempt.status is None:
            self.stdout.write(f"{attempt.error} ({attempt.seconds:.2f} s)")
            return
        told = [f"HTTP {attempt.status} in {attempt.seconds:.2f} s"]
        answer = self._answer(attempt)
        told += [str(answer[key]) for key in ("message", "detail") if answer.get(key)]
        told += [f"event {answer['event']}"] if answer.get("event") is not None else []
        self.stdout.write(", ".join(told))

    def _answer(self, attempt: Attempt) -> dict[str, Any]:
        try:
            answer = json.loads(attempt.body)
        except ValueError:
            return {}
        return answer if isinstance(answer, dict) else {}

    def _advice(self, attempt: Attempt) -> str:
        if attempt.error == "connection refused":
            return "connection refused. Is the server running there?"
        if attempt.status is None:
            return f"{attempt.error}. Is the address right, and does the server answer?"
        return f"HTTP {attempt.status}. {ADVICE.get(attempt.status, 'See the log of the site.')}"
