"""Chromium, driven by its chromedriver."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client

selenium = pytest.importorskip("selenium.webdriver")
support = pytest.importorskip("selenium.webdriver.support.ui")
WebDriverException = pytest.importorskip("selenium.common").WebDriverException
DRIVER = shutil.which("chromedriver")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

MARKS = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not (DRIVER and BROWSER), reason="needs chromedriver and chromium"),
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


@contextlib.contextmanager
def started_chromium() -> Iterator[Any]:
    options = selenium.ChromeOptions()
    options.binary_location = BROWSER
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = selenium.ChromeService(executable_path=DRIVER)
    driver = selenium.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


class Browser:
    """A user's browser on a site, whose pages have names."""

    def __init__(self, driver: Any, site: str, pages: dict[str, str]) -> None:
        self.driver, self.site, self.pages = driver, site, pages

    def log_in(self, user: User) -> None:
        client = Client()
        client.force_login(user)
        self.driver.get(f"{self.site}/admin/login/")
        session = {"name": "sessionid", "value": client.cookies["sessionid"].value}
        self.driver.add_cookie(session)

    def open(self, name: str, *, width: int = 1280, theme: str = "light") -> None:
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

    def evaluate(self, script: str) -> Any:
        return self.driver.execute_script(f"return {script}")

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Return when the condition holds, also where it reads a page that is being replaced."""
        wait = support.WebDriverWait(
            self.driver, 10, poll_frequency=0.02, ignored_exceptions=[WebDriverException]
        )
        wait.until(lambda driver: condition())

    def wait_for_text(self, text: str) -> None:
        self.wait_until(lambda: text in self.find("body").text)

    def wait_for_url(self, part: str) -> None:
        """Return when the page whose URL contains the part is loaded."""
        self.wait_until(
            lambda: self.evaluate(
                f"location.href.includes({json.dumps(part)}) && document.readyState === 'complete'"
            )
        )

    def console_errors(self) -> list[str]:
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in messages if "/favicon.ico" not in message]

    def hosts(self) -> set[str]:
        """The hosts that the browser sent requests to."""
        messages = [json.loads(line["message"]) for line in self.driver.get_log("performance")]
        requests = [
            message["message"]["params"]["request"]["url"]
            for message in messages
            if message["message"]["method"] == "Network.requestWillBeSent"
        ]
        return {urlsplit(url).netloc for url in requests if not url.startswith("data:")}

    def tab_to(self, selector: str, longest: int = 200) -> None:
        """Press Tab until the selected element has the focus."""
        for _ in range(longest):
            self.press("Tab")
            if self.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
                return
        pytest.fail(f"Tab does not reach {selector}")

    def press(self, key: str) -> None:
        more: dict[str, Any] = {}
        if key == "Enter":
            more = {"text": "\r", "windowsVirtualKeyCode": 13}
        for kind in ("keyDown", "keyUp"):
            event = {"type": kind, "key": key, "code": key, **more}
            if key == "Tab":
                event["windowsVirtualKeyCode"] = 9
            self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", event)
