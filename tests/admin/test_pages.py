"""The pages in a real browser: strict policy, keyboard, narrow screens, light and dark theme."""

from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from django_vwo_webhooks import kill_switch
from django_vwo_webhooks.models import Flag, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.browser import MARKS, Browser, started_chromium
from tests.admin.conftest import EVENTS, FLAG_LIST, SNAPSHOTS, SWITCHES, changed_by

pytestmark = MARKS

PAGES = [
    *("events", "changed event", "failed event", "snapshots", "snapshot", "comparison"),
    *("switches", "switch", "new switch", "flags", "flag"),
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
    with started_chromium() as driver:
        yield driver


@pytest.fixture
def browser(chromium, live_server, settings, admin_user, vwo, deliver):
    settings.MIDDLEWARE = [f"{__name__}.StrictPolicy", *settings.MIDDLEWARE]
    refresh_settings()
    long = "no blank in it " * 5 + "x" * 500
    vwo.set_flag("new_checkout", variables={"color": "<b style='color: red'>", "text": long})
    deliver(action="flag updated " + "x" * 300)
    changed = WebhookEvent.objects.get()
    vwo.refuse()
    deliver(action="while VWO was down")
    failed = WebhookEvent.objects.first()
    switch = kill_switch.use("new_checkout", reason=long, by="anna")
    snapshot = f"{SNAPSHOTS}{changed.snapshot_id}/change/"
    Flag.objects.note_asked(["new_checkout", "new_chekout"], timezone.now())
    urls = [
        EVENTS,
        f"{EVENTS}{changed.pk}/change/",
        f"{EVENTS}{failed.pk}/change/",
        SNAPSHOTS,
        snapshot,
        f"{snapshot}?compare_to={changed.snapshot_id - 1}",
        SWITCHES,
        f"{SWITCHES}{switch.pk}/change/",
        f"{SWITCHES}add/?flag=new_checkout",
        FLAG_LIST,
        f"{FLAG_LIST}{Flag.named('new_checkout').pk}/change/",
    ]
    browser = Browser(chromium, live_server.url, dict(zip(PAGES, urls, strict=True)))
    browser.log_in(admin_user)
    return browser


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
        "button.vwo-refresh",
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
    browser.wait_for_url("feature=new_checkout")


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
    browser.wait_for_url("compare_to=1")


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


def test_links_within_text_differ_from_it_not_only_by_their_colour(browser):
    for page, links in (("events", ".messagelist li a"), ("changed event", "section p a")):
        browser.open(page)
        lines = browser.evaluate(
            f"[...document.querySelectorAll('{links}')]"
            ".map(one => getComputedStyle(one).textDecorationLine)"
        )
        assert set(lines) == {"underline"}, page


def luminance(browser, selector, part="backgroundColor"):
    colour = browser.evaluate(f"getComputedStyle(document.querySelector({selector!r})).{part}")
    red, green, blue = (int(number) / 255 for number in colour[4:-1].split(","))
    parts = [(c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4) for c in (red, green, blue)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
OURS = "document.querySelector('#content')"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", [*PAGES, "empty trail", "100 changes"])
def test_axe_finds_no_violation(browser, theme, name):
    axe = pytest.importorskip("axe_core_python.base")
    if name == "empty trail":
        WebhookEvent.objects.all().delete()
        name = "events"
    if name == "100 changes":
        event = changed_by(*((f"flag_{number}", 1, 2) for number in range(100)))
        browser.pages[name] = f"{EVENTS}{event.pk}/change/"
    browser.open(name, theme=theme)
    browser.driver.execute_script(axe.AXE_SCRIPT)
    found = browser.driver.execute_async_script(
        f"axe.run({OURS}, {{runOnly: {RULES}}}).then(arguments[0])"
    )
    assert found["passes"]
    problems = [
        (rule["id"], node["html"], node.get("failureSummary"))
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert problems == []


def test_a_page_in_arabic_is_mirrored(browser, settings):
    """The bar of today is above its caption, which is on the left."""
    settings.LANGUAGE_CODE = "ar"
    browser.open("events")

    def middle(script):
        return browser.evaluate(
            f"(box => (box.left + box.right) / 2)({script}.getBoundingClientRect())"
        )

    bars = "[...document.querySelectorAll('.vwo-chart rect')]"
    bar = middle(f"{bars}.sort((a, b) => b.getAttribute('x') - a.getAttribute('x'))[0]")
    oldest, today = (
        middle(f"document.querySelector('.vwo-ends').{place}ElementChild")
        for place in ("first", "last")
    )
    assert today < oldest
    assert abs(bar - today) < abs(bar - oldest)
    for name in browser.pages:
        browser.open(name, width=400)
        assert browser.evaluate("document.documentElement.scrollWidth") == 400, name
