"""Our client answers as a plain client of the SDK does that is fed the same document."""

import json
import subprocess
import sys

import pytest

from django_vwo_webhooks.sdk import lifecycle
from tests.changes.test_samples import BROKEN, SAMPLES, read
from tests.conftest import configure, site_environment
from tests.sdk.conftest import store
from tests.sdk.evaluating import ACCOUNT_ID, Storage, answers, build_documents

DOCUMENTS = build_documents()
STORED = ("rollout", "testing", "advanced group", "holdouts")
TASKS = {
    name: {"document": document, "stored": stored}
    for name, document, stored in [
        *((name, document, False) for name, document in DOCUMENTS.items()),
        *((path.stem, read(path), False) for path in SAMPLES if path.stem not in BROKEN),
        # last, since the SDK keeps a storage for the rest of the process
        *((f"{name}, stored", DOCUMENTS[name], True) for name in STORED),
    ]
}


@pytest.fixture(scope="module")
def plain(django_db_setup, django_db_blocker):
    """The answers of plain clients, which were made in a process of their own."""
    with django_db_blocker.unblock():
        environment = site_environment()
    ran = subprocess.run(
        [sys.executable, "-m", "tests.sdk.evaluating"],
        input=json.dumps(TASKS),
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    return json.loads(lines[-1])


@pytest.mark.django_db
@pytest.mark.parametrize("name", TASKS)
def test_each_answer_is_that_of_a_plain_client(plain, vwo, settings, caplog, name):
    caplog.set_level("CRITICAL", "django_vwo_webhooks.sdk")
    assert settings.VWO_WEBHOOKS["ACCOUNT_ID"] == ACCOUNT_ID
    task, storage = TASKS[name], Storage()
    if task["stored"]:
        options = settings.VWO_WEBHOOKS["SDK_OPTIONS"]
        configure(settings, SDK_OPTIONS={**options, "storage": storage})
    store(task["document"])
    lifecycle.apply_in_force()
    rounds = [answers(lifecycle.client(), task["document"]) for _ in range(1 + task["stored"])]
    # as JSON, which the other process's answers have been through
    assert json.loads(json.dumps(rounds)) == plain[name]["rounds"]
    assert json.loads(json.dumps(storage.kept)) == plain[name]["kept"]
    flags = [answer for answer in rounds[0] if isinstance(answer, list)]
    if task["document"]["features"]:
        assert len({json.dumps(flag[2:4]) for flag in flags}) > 1
