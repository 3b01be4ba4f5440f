"""Stores the account and the webhook endpoint that dj-stripe would have fetched from Stripe."""

from typing import Any

import django

from benchmarks.bench import SECRET
from benchmarks.sites.peers.deliveries import STRIPE_ACCOUNT, STRIPE_ENDPOINT


def main() -> None:
    django.setup()
    from djstripe.models import Account, WebhookEndpoint

    stored: dict[str, Any] = {"livemode": False, "stripe_data": {}}
    account = Account.objects.create(id=STRIPE_ACCOUNT, **stored)
    WebhookEndpoint.objects.create(
        id="we_1",
        djstripe_uuid=STRIPE_ENDPOINT,
        djstripe_owner_account=account,
        secret=SECRET,
        enabled_events=["*"],
        status="enabled",
        url="http://localhost/",
        **stored,
    )


if __name__ == "__main__":
    main()
