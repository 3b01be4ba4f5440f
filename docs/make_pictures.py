"""``make pictures``: the pictures of README and docs, of the real pages of the example project.

Needs the extras ``demo`` and ``dev``, chromium and its chromedriver.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.core.management import call_command
from selenium import webdriver

from django_vwo_webhooks.testing import VWOSimulator, build_settings, feature

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "example_project"))

WIDTH = 1400
SECRET = "secret-of-the-pictures"
SDK_KEY = "sdk-key-of-the-pictures"


def main() -> None:
    flags = build_settings(
        feature("new_checkout", enabled=False, variables={"button": "Buy"}),
        feature("search_suggestions", percentage=25, variables={"limit": 5}),
        feature("free_shipping", variables={"from": 49.9, "banner": True}),
    )
    with (
        tempfile.TemporaryDirectory(prefix="vwo-pictures-") as folder,
        VWOSimulator(flags, secret=SECRET, sdk_key=SDK_KEY) as vwo,
    ):
        os.environ.update(
            DJANGO_SETTINGS_MODULE="example_project.settings",
            DATABASE_URL=f"sqlite:///{folder}/pictures.sqlite3",
            VWO_ACCOUNT_ID=vwo.account_id,
            VWO_SDK_KEY=SDK_KEY,
            VWO_WEBHOOK_SECRET=SECRET,
            VWO_PROXY_URL=vwo.url,
        )
        # only now that the environment has their settings
        from demo_database import staff
        from demo_server import Server, free_port

        with staff() as (name, password), Server(free_port(0), Path(folder) / "log") as server:
            vwo.webhook_url = f"{server.url}/webhooks/vwo/"
            make_changes(vwo)
            take_pictures(server.url, name, password)


def make_changes(vwo: VWOSimulator) -> None:
    changes: list[dict[str, Any]] = [
        {"key": "new_checkout", "enabled": True, "percentage": 10},
        {"key": "new_checkout", "percentage": 50, "variables": {"button": "Buy with one click"}},
        {"key": "search_suggestions", "variables": {"limit": 8}},
        {"key": "free_shipping", "variables": {"from": 39.9}},
    ]
    for change in changes:
        webhook = vwo.set_flag(change.pop("key"), **change)
        if webhook is None or not webhook.wait(20):
            raise SystemExit("A webhook was not delivered.")
    # of two changes within one second, the page says that they might be the same
    time.sleep(1)
    vwo.misbehave(status=500, times=1)
    webhook = vwo.set_flag("new_checkout", percentage=100, variables={"button": "Buy now"})
    if webhook is None or not webhook.wait(20):
        raise SystemExit("The last webhook was not delivered.")
    call_command("vwo_kill_switch", "new_checkout", "--reason", "Too many refunds, see incident 42")


def take_pictures(site: str, name: str, password: str) -> None:
    from django_vwo_webhooks.models import Flag, WebhookEvent

    event = WebhookEvent.objects.newest_first()[0]
    admin = f"{site}/admin/django_vwo_webhooks"
    pages = {
        "events": f"{admin}/webhookevent/",
        "event": f"{admin}/webhookevent/{event.pk}/change/",
        "flags": f"{admin}/flag/",
        "flag": f"{admin}/flag/{Flag.named('new_checkout').pk}/change/",
    }
    options = webdriver.ChromeOptions()
    for option in ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(option)
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.get(f"{site}/admin/")
        driver.find_element("name", "username").send_keys(name)
        driver.find_element("name", "password").send_keys(password)
        driver.find_element("css selector", "[type=submit]").click()
        for page, url in pages.items():
            for theme in ("light", "dark"):
                feature = {"name": "prefers-color-scheme", "value": theme}
                driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
                resize(driver, 800)
                driver.get(url)
                resize(driver, driver.execute_script("return document.body.scrollHeight"))
                driver.save_screenshot(str(DOCS / "pictures" / f"{page}-{theme}.png"))
    finally:
        driver.quit()


def resize(driver: Any, height: int) -> None:
    size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


if __name__ == "__main__":
    main()
