"""What ``docs/recipes.md`` says to paste works."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.cache import cache

from django_vwo_webhooks import signals
from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.refresh import refresh_settings

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = (Path(__file__).parents[1] / "docs" / "recipes.md").read_text()


@pytest.fixture
def recipe():
    """Runs the code block that defines a name, and returns its names."""
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    connected = {
        name: list(getattr(signals, name).receivers)
        for name in ("webhook_received", "settings_refreshed", "settings_applied", "refresh_failed")
    }
    kept = []

    def run(name):
        (code,) = [block for block in blocks if re.search(rf"^(def|class) {name}\b", block, re.M)]
        # a name of its own for each module, which dataclasses look up
        names = {"__name__": __name__}
        exec(compile(code, "docs/recipes.md", "exec"), names)  # noqa: S102 - what it is about
        kept.append(names)  # receivers are referenced weakly
        return names

    yield run
    for name, receivers in connected.items():
        signal = getattr(signals, name)
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


def test_a_cache_that_all_processes_share(vwo, recipe):
    refresh_settings()
    recipe("clear_cache")
    cache.set("page", "old")
    refresh_settings()
    assert cache.get("page") == "old"
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    assert cache.get("page") is None


def test_what_each_process_keeps(vwo, recipe):
    refresh_settings()
    is_new = recipe("forget_flags")["checkout_is_new"]
    assert is_new() is True
    vwo.set_flag("new_checkout", enabled=False)
    refresh_settings()
    assert is_new() is False


@pytest.fixture
def slack(settings):
    """A stand-in for Slack; yields the texts that it was sent."""
    texts = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            texts.append(json.loads(body)["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.SLACK_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/"
    yield texts
    server.shutdown()
    thread.join()
    server.server_close()


def test_slack(vwo, deliver, recipe, slack):
    refresh_settings()
    recipe("post_to_slack")
    vwo.set_flag("new_checkout", variables={"color": "green"})
    assert deliver(triggered_by="ada@example.com").status_code == 200
    assert deliver(action="nothing changed").status_code == 200
    assert slack == [
        "VWO flags changed, triggered by ada@example.com:\n• new_checkout: color “red” → “green”"
    ]


def test_prometheus(vwo, recipe):
    prometheus = pytest.importorskip("prometheus_client")
    recipe("count_success")
    snapshot = refresh_settings()
    vwo.refuse()
    with pytest.raises(RefreshFailed):
        refresh_settings()
    values = {
        (sample.name, sample.labels.get("result")): sample.value
        for metric in prometheus.REGISTRY.collect()
        for sample in metric.samples
    }
    assert values["vwo_refreshes_total", "success"] == 1
    assert values["vwo_refreshes_total", "failure"] == 1
    assert values["vwo_settings", None] == snapshot.pk


def test_a_health_check(vwo, recipe):
    pytest.importorskip("health_check")
    names = recipe("VWOFlags")
    with pytest.raises(names["ServiceUnavailable"], match="stale"):
        names["VWOFlags"]().run()
    refresh_settings()
    names["VWOFlags"]().run()
