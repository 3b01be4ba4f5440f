"""Each button works in Django's own theme of the admin and in those that sites use most."""

import importlib.util
from html.parser import HTMLParser

import pytest
from django.contrib.admin.models import LogEntry

from django_vwo_webhooks.models import Flag, KillSwitch, SettingsSnapshot, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from tests.admin.browser import MARKS, Browser, started_chromium
from tests.admin.conftest import EVENTS, FLAG_LIST, SNAPSHOTS, SWITCHES
from tests.conftest import wait_until
from tests.servers.running import running

pytestmark = MARKS

RUNSERVER = ["django", "runserver", "127.0.0.1:PORT", "--noreload", "--insecure", "--skip-checks"]
THEMES = ["django", "grappelli", "jazzmin", "unfold"]


@pytest.fixture(scope="module")
def chromium():
    with started_chromium() as driver:
        yield driver


@pytest.fixture(params=THEMES)
def browser(request, chromium, vwo, deliver, admin_user):
    if request.param != "django" and importlib.util.find_spec(request.param) is None:
        pytest.skip(f"django-{request.param} is not installed")
    refresh_settings()
    for color in ("green", "blue"):
        vwo.set_flag("new_checkout", variables={"color": color})
        deliver(action=f"now {color}")
    newest, older = WebhookEvent.objects.order_by("-pk")
    pages = {
        "events": EVENTS,
        "event": f"{EVENTS}{older.pk}/change/",
        "snapshots": SNAPSHOTS,
        "snapshot": f"{SNAPSHOTS}{newest.snapshot_id}/change/",
        "flags": FLAG_LIST,
        "flag": f"{FLAG_LIST}{Flag.named('new_checkout').pk}/change/",
        "switches": SWITCHES,
    }
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.admin.theme_settings",
        "SITE_THEME": request.param,
    }
    with running(RUNSERVER, **environment) as url:
        browser = Browser(chromium, url, pages)
        browser.log_in(admin_user)
        browser.open("events")
        files = "admin" if request.param == "django" else request.param
        assert f"/static/{files}/" in browser.driver.page_source, "the theme is not in use"
        yield browser


class Forms(HTMLParser):
    """How deeply the forms of a page are nested; a browser would drop the inner ones."""

    def __init__(self):
        super().__init__()
        self.depth = self.deepest = 0

    def handle_starttag(self, tag, attrs):
        if tag == "form":
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)

    def handle_endtag(self, tag):
        if tag == "form":
            self.depth -= 1


def test_every_button_works(browser, vwo):
    for name in browser.pages:
        is_whole(browser, name)
    for name in ("events", "event"):
        refreshes(browser, vwo, name)
    walks_and_downloads(browser)
    compares(browser)
    finds_and_exports(browser)
    switches_off_and_releases(browser)


def is_whole(browser, name):
    browser.open(name)
    forms = Forms()
    forms.feed(
        browser.driver.execute_async_script(
            "fetch(location.href).then(answer => answer.text()).then(arguments[0])"
        )
    )
    assert forms.deepest == 1
    assert browser.evaluate("document.querySelectorAll('form form').length") == 0
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    # the key of what is pending is a frame
    filled = ".vwo-badge, .vwo-tools :is(a, button), .vwo-key:not(.vwo-bar-pending)"
    colors = browser.evaluate(
        f"[...document.querySelectorAll('{filled}')]"
        ".map(one => getComputedStyle(one).backgroundColor)"
    )
    assert colors or name == "switches"
    assert "rgba(0, 0, 0, 0)" not in colors, name
    if browser.evaluate("document.querySelector('meta[name=viewport]') !== null"):
        browser.open(name, width=400)
        assert browser.evaluate("document.documentElement.scrollWidth") == 400, name
        assert browser.evaluate(
            "[...document.querySelectorAll(':has(> #result_list), #result_list tbody :is(th, td)')]"
            ".every(box => box.scrollWidth <= box.clientWidth"
            " && box.scrollHeight <= box.clientHeight)"
        ), name


def refreshes(browser, vwo, name):
    browser.open(name)
    vwo.set_flag("new_checkout", variables={"color": f"of {name}"}, notify=False)
    before = SettingsSnapshot.objects.count()
    browser.click("button.vwo-refresh")
    wait_until(lambda: SettingsSnapshot.objects.count() == before + 1)
    browser.wait_for_text("were refreshed")
    assert browser.driver.current_url == browser.site + browser.pages[name]


def walks_and_downloads(browser):
    browser.open("event")
    browser.click("a[rel=next]")
    browser.wait_for_text("now blue")
    assert browser.driver.current_url != browser.site + browser.pages["event"]
    browser.click("a[rel=prev]")
    browser.wait_for_url(browser.pages["event"])
    for name in ("event", "snapshot"):
        browser.open(name)
        assert browser.find("a[download]").is_displayed()
        document = browser.driver.execute_async_script(
            "fetch(document.querySelector('a[download]').href)"
            ".then(answer => answer.json()).then(arguments[0])"
        )
        assert str(document["id"]) in browser.driver.current_url


def compares(browser):
    browser.open("snapshot")
    number = SettingsSnapshot.objects.oldest_first()[0].pk
    browser.find("#vwo-other").send_keys(str(number))
    browser.click("button[form=vwo-compare]")
    browser.wait_for_url(f"compare_to={number}")
    assert "What changed from" in browser.find("body").text
    assert "red" in browser.find(".vwo-group").text
    browser.click("a[href='?']")
    browser.wait_until(lambda: "compare_to" not in browser.driver.current_url)


def finds_and_exports(browser):
    browser.open("events")
    search = browser.find("input[name=q]")
    search.send_keys("now green")
    search.submit()
    browser.wait_for_url("q=now")
    text = browser.find("#result_list").text
    assert "green" in text
    assert "blue" not in text
    browser.driver.find_element("name", "_selected_action").click()
    before = LogEntry.objects.count()
    # themes draw this control anew, and show it in ways of their own
    browser.driver.execute_script(
        "const action = document.querySelector('select[name=action]');"
        "action.value = 'export_json';"
        "action.dispatchEvent(new Event('change', {bubbles: true}));"
        "const form = action.form || document.querySelector('#changelist-form');"
        "form.requestSubmit(form.querySelector('[name=index]'));"
    )
    wait_until(lambda: LogEntry.objects.count() == before + 1)
    assert LogEntry.objects.first().object_repr == "Export as JSON"


def switches_off_and_releases(browser):
    browser.open("flag")
    browser.click("a.vwo-switch-off")
    browser.wait_for_url("killswitch/add/")
    browser.find("textarea[name=reason]").send_keys("too many refunds")
    browser.click("[name=_save]")
    browser.wait_for_text("too many refunds")
    switch = KillSwitch.objects.not_released().get()
    browser.pages["switch"] = f"{SWITCHES}{switch.pk}/change/"
    for name in ("switches", "switch"):
        is_whole(browser, name)
    browser.open("switch")
    browser.click("button.vwo-release")
    wait_until(lambda: not KillSwitch.objects.not_released())
