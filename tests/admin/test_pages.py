"""The pages in a real browser: strict policy, keyboard, narrow screens, light and dark theme."""

import json
import shutil
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from django_vwo_webhooks.models import Flag, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.conftest import EVENTS, FLAG_LIST, SNAPSHOTS

selenium = pytest.importorskip("selenium.webdriver")
DRIVER = shutil.which("chromedriver")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not (DRIVER and BROWSER), reason="needs chromedriver and chromium"),
]

PAGES = [
    "events",
    "changed event",
    "failed event",
    "snapshots",
    "snapshot",
    "comparison",
    "flags",
    "flag",
]

OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


class StrictPolicy:
    """Middleware that allows only files of the site itself, and nothing inline."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["Content-Security-Policy"] = "default-src 'self'"
        return response


@pytest.fixture(scope="module")
def chromium():
    options = selenium.ChromeOptions()
    options.binary_location = BROWSER
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = selenium.ChromeService(executable_path=DRIVER)
    driver = selenium.Chrome(options=options, service=service)
    yield driver
    driver.quit()


class Browser:
    def __init__(self, driver, site, pages):
        self.driver, self.site, self.pages = driver, site, pages

    def open(self, name, *, width=1280, theme="light"):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": theme}]},
        )
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(self.site + self.pages[name])
        assert "Log in" not in self.driver.title

    def evaluate(self, script):
        return self.driver.execute_script(f"return {script}")

    def console_errors(self):
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in messages if "/favicon.ico" not in message]

    def hosts(self):
        """The hosts that the browser sent requests to."""
        messages = [json.loads(line["message"]) for line in self.driver.get_log("performance")]
        requests = [
            message["message"]["params"]["request"]["url"]
            for message in messages
            if message["message"]["method"] == "Network.requestWillBeSent"
        ]
        return {urlsplit(url).netloc for url in requests if not url.startswith("data:")}

    def tab_to(self, selector, longest=200):
        """Press Tab until the selected element has the focus."""
        for _ in range(longest):
            self.press("Tab")
            if self.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
                return
        pytest.fail(f"Tab does not reach {selector}")

    def press(self, key):
        more = {"text": "\r", "windowsVirtualKeyCode": 13} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            event = {"type": kind, "key": key, "code": key, **more}
            if key == "Tab":
                event["windowsVirtualKeyCode"] = 9
            self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", event)


@pytest.fixture
def browser(chromium, live_server, settings, admin_user, vwo, deliver):
    settings.MIDDLEWARE = [f"{__name__}.StrictPolicy", *settings.MIDDLEWARE]
    refresh_settings()
    long = "no blank in it " * 5 + "x" * 500
    vwo.set_flag("new_checkout", variables={"color": "<b style='color: red'>", "text": long})
    deliver(action="flag updated by a person with a rather long name")
    changed = WebhookEvent.objects.get()
    vwo.refuse()
    deliver(action="while VWO was down")
    failed = WebhookEvent.objects.first()
    snapshot = f"{SNAPSHOTS}{changed.snapshot_id}/change/"
    Flag.objects.note_asked(["new_checkout", "new_chekout"], timezone.now())
    urls = [
        EVENTS,
        f"{EVENTS}{changed.pk}/change/",
        f"{EVENTS}{failed.pk}/change/",
        SNAPSHOTS,
        snapshot,
        f"{snapshot}?compare_to={changed.snapshot_id - 1}",
        FLAG_LIST,
        f"{FLAG_LIST}{Flag.named('new_checkout').pk}/change/",
    ]
    client = Client()
    client.force_login(admin_user)
    chromium.get(f"{live_server.url}/admin/login/")
    chromium.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value})
    return Browser(chromium, live_server.url, dict(zip(PAGES, urls, strict=True)))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_obeys_a_strict_policy_and_loads_nothing_from_other_hosts(browser, name):
    browser.open(name)
    assert browser.console_errors() == []
    assert browser.hosts() == {urlsplit(browser.site).netloc}
    assert browser.evaluate(
        "!!document.querySelector('link[href*=\"vwo_webhooks/admin.css\"]').sheet"
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_narrow_screen(browser, name):
    browser.open(name, width=360)
    assert browser.evaluate("document.documentElement.scrollWidth") == 360


def test_changes_are_fully_visible_on_a_narrow_screen(browser):
    browser.open("changed event", width=360)
    assert browser.evaluate("document.querySelectorAll('.vwo-group td').length") > 0
    assert browser.evaluate(
        "[...document.querySelectorAll('.vwo-group .vwo-scroll')]"
        ".every(box => box.scrollWidth <= box.clientWidth)"
    )


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", ["events", "snapshots", "flags"])
def test_a_list_is_shown_whole(browser, settings, name, language):
    settings.LANGUAGE_CODE = language
    for width in (360, 400, 1024, 1280, 1400):
        browser.open(name, width=width)
        cells = browser.evaluate("document.querySelectorAll('#result_list tbody td').length")
        assert cells >= 10
        assert browser.evaluate(
            "[...document.querySelectorAll('.results, #result_list tbody :is(th, td)')]"
            ".every(box => box.scrollWidth <= box.clientWidth)"
        ), width


def test_the_list_can_be_used_by_keyboard(browser):
    browser.open("events")
    for selector in (
        ".vwo-refresh button",
        ".vwo-chart summary",
        "#searchbar",
        "select[name=action]",
        "#changelist-form button[name=index]",
        "#result_list th.field-received a",
        "#changelist-filter a[href*='outcome__exact=failed']",
        "#changelist-filter a[href*='feature=new_checkout']",
    ):
        browser.tab_to(selector)
    browser.press("Enter")
    assert "feature=new_checkout" in browser.driver.current_url


@pytest.mark.parametrize(
    ("name", "selectors"),
    [
        ("changed event", ["a[rel=next]", ".vwo-group summary", ".vwo-scroll", "td summary"]),
        ("snapshot", ["a[rel=prev]", "#vwo-other", ".vwo-compare button", ".vwo-group summary"]),
    ],
)
def test_a_page_of_a_row_can_be_used_by_keyboard(browser, name, selectors):
    browser.open(name)
    for selector in selectors:
        browser.tab_to(selector)


def test_a_comparison_can_be_requested_by_keyboard(browser):
    browser.open("snapshot")
    browser.tab_to("#vwo-other")
    browser.driver.switch_to.active_element.send_keys("1")
    browser.press("Enter")
    assert browser.driver.current_url.endswith("compare_to=1")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_have_enough_contrast(browser, theme):
    browser.open("events", theme=theme)
    background = luminance(browser, "body", "backgroundColor")
    assert (background < 0.5) is (theme == "dark")
    for outcome in ("changed", "failed"):
        assert contrast(luminance(browser, f".vwo-key.vwo-bar-{outcome}"), background) >= 3
        badge = f".vwo-badge.vwo-{outcome}"
        text = luminance(browser, badge, "color")
        assert contrast(text, luminance(browser, badge)) >= 4.5


def luminance(browser, selector, part="backgroundColor"):
    colour = browser.evaluate(f"getComputedStyle(document.querySelector({selector!r})).{part}")
    red, green, blue = (int(number) / 255 for number in colour[4:-1].split(","))
    parts = [(c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4) for c in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
