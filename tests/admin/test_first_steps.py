"""What an empty trail says to do next, with the state of each step."""

import re
from html import unescape

import pytest

from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import EVENTS, page
from tests.conftest import configure

pytestmark = pytest.mark.django_db(transaction=True)

HEADING = "No webhook has arrived yet"


def shown(client):
    """The steps: whether each is done, and its text."""
    text = unescape(page(client, EVENTS))
    text = text.partition(HEADING)[2].partition("</section>")[0]
    steps = re.findall(r"<li>(?:<span[^>]*>(done|to do)</span> )?(.*?)</li>", text, re.DOTALL)
    return [(state, " ".join(re.sub(r"<[^>]*>", " ", step).split())) for state, step in steps]


def test_everything_is_left_to_do(admin_client, settings):
    configure(settings, SECRET="")
    settings.ROOT_URLCONF = "tests.sites.admin_alone"
    assert shown(admin_client) == [
        (
            "to do",
            "Generate the webhook’s secret key in VWO, and give it to the site: "
            'VWO_WEBHOOKS = {…, "SECRET": os.environ.get("VWO_WEBHOOK_SECRET")}',
        ),
        (
            "to do",
            "Include the webhook in the site’s URLs: "
            'path("webhooks/vwo/", include("django_vwo_webhooks.urls"))',
        ),
        ("to do", "Fetch the settings from VWO: python manage.py vwo_refresh"),
    ]
    configure(settings, SECRET=5)
    assert shown(admin_client)[0][0] == "to do"


def test_only_the_first_webhook_is_missing(vwo, admin_client, deliver):
    refresh_settings()
    url = "http://testserver/webhooks/vwo/"
    assert shown(admin_client) == [
        ("done", "The webhook’s secret is set."),
        ("done", "The webhook is included in the site’s URLs."),
        ("done", "The settings have been fetched from VWO."),
        (
            "",
            "Enter this URL in VWO, which sends the secret in the header x-vwo-auth with each "
            f"webhook: {url}",
        ),
        (
            "",
            f"Or send a test delivery, which appears here: python manage.py vwo_send_webhook {url}",
        ),
    ]
    deliver()
    text = page(admin_client, EVENTS)
    assert HEADING not in text
    assert "vwo-chart" in text
