"""The views: methods, the order of refusals, the form of the answers, the status for monitors."""

import json
from datetime import timedelta
from itertools import compress, product

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import include, path
from rest_framework.permissions import BasePermission
from rest_framework.response import Response

from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.models import FleetProcess, RefreshLease, SettingsSnapshot
from django_vwo_webhooks.models.clock import UnixNow
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import configure

URL = "/webhooks/vwo/"
SECRET = "secret-that-must-not-leak-0123456789"
JSON = "application/json"


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "patch", "delete", "trace"])
def test_only_post_is_allowed(method):
    response = getattr(Client(), method)(URL, headers={"x-vwo-auth": SECRET})
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


urlpatterns = [path("<slug:tenant>/<int:number>/vwo/", include("django_vwo_webhooks.urls"))]


@pytest.mark.django_db(transaction=True)
def test_what_the_sites_own_part_of_the_url_captures_is_ignored(vwo, settings, admin_client):
    settings.ROOT_URLCONF = __name__
    headers = {"x-vwo-auth": SECRET}
    data = {"event": "settings_changed"}
    response = Client().post("/acme/1/vwo/", data, content_type=JSON, headers=headers)
    assert response.status_code == 200
    assert Client().get("/acme/1/vwo/", headers=headers).status_code == 405
    assert admin_client.get("/acme/1/vwo/status/").status_code == 200


def test_the_order_of_refusals(settings):
    """Several things are wrong at once: the first in this order decides."""
    configure(settings, MAX_BODY_BYTES=10)
    for wrong in product([True, False], repeat=5):
        method, chunked, size, secret, content_type = wrong
        headers = {"x-vwo-auth": "wrong" if secret else SECRET}
        response = Client().generic(
            "PUT" if method else "POST",
            URL,
            b"not JSON, and large" if size else b"not JSON",
            content_type="text/plain" if content_type else JSON,
            headers={**headers, **({"Transfer-Encoding": "chunked"} if chunked else {})},
        )
        expected = [*compress([405, 411, 413, 401, 415], wrong), 400]
        assert response.status_code == expected[0], wrong


def test_the_answer_is_json_whatever_the_client_accepts():
    response = Client().post(
        URL, b"[]", content_type=JSON, headers={"x-vwo-auth": SECRET, "Accept": "text/html"}
    )
    assert (response.status_code, response.headers["Content-Type"]) == (400, JSON)


class Guest:
    """A site's stand-in for somebody without a login, whom its own permissions accept."""

    is_authenticated = True


def house_style(error, context):
    """A site's exception handler: the status is in the body."""
    return Response({"success": False}, status=200)


def test_no_default_of_the_site_accepts_a_stranger(settings):
    settings.REST_FRAMEWORK = {
        "UNAUTHENTICATED_USER": f"{__name__}.Guest",
        "UNAUTHENTICATED_TOKEN": f"{__name__}.Guest",
        "EXCEPTION_HANDLER": f"{__name__}.house_style",
    }
    for secret in (None, "wrong"):
        headers = {"x-vwo-auth": secret} if secret else {}
        response = Client().post(URL, b'{"event": "x"}', content_type=JSON, headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == "x-vwo-auth"
        assert list(response.json()) == ["detail"]


def test_a_refusal_is_not_answered_by_the_exception_handler_of_the_site(settings):
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{__name__}.house_style"}
    headers = {"x-vwo-auth": SECRET}
    for body, content_type, status in [
        (b"not JSON", JSON, 400),
        (b"{}", JSON, 400),
        (b"{}", "text/plain", 415),
        (b"x" * 70_000, JSON, 413),
    ]:
        response = Client().post(URL, body, content_type=content_type, headers=headers)
        assert response.status_code == status
    assert Client().get(URL, headers=headers).status_code == 405


STATUS = "/webhooks/vwo/status/"


class Anyone(BasePermission):
    def has_permission(self, request, view):
        return True


def status_of(client):
    response = client.get(STATUS)
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, response.json()


@pytest.mark.django_db(transaction=True)
class TestStatus:
    def test_who_may_see_it(self, settings, admin_client, vwo):
        refresh_settings()
        assert Client().get(STATUS).status_code == 403
        user = User.objects.create_user("somebody")
        somebody = Client()
        somebody.force_login(user)
        assert somebody.get(STATUS).status_code == 403
        assert admin_client.get(STATUS).status_code == 200
        for method in ("post", "put", "delete", "options"):
            assert getattr(admin_client, method)(STATUS).status_code == 405
        configure(settings, STATUS_PERMISSION=f"{__name__}.Anyone")
        settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{__name__}.house_style"}
        assert Client().get(STATUS).status_code == 200
        configure(settings, STATUS_PERMISSION="rest_framework.permissions.IsAuthenticated")
        assert Client().get(STATUS).status_code == 403
        assert somebody.get(STATUS).status_code == 200

    def test_it_says_what_the_command_says(self, admin_client, vwo, deliver, capsys):
        deliver()
        code, report = status_of(admin_client)
        call_command("vwo_status", "--json")
        printed = json.loads(capsys.readouterr().out)
        del printed["flags"]  # not of the fleet, and VWO's whole document is read for it
        passing = ("refreshed_seconds", "processes", "since")
        for name in passing:
            assert name in report
            del report[name], printed[name]
        assert (code, report) == (200, printed)
        assert (report["healthy"], report["behind"]) == (True, 0)
        assert admin_client.head(STATUS).status_code == 200

    def test_one_failed_refresh_is_no_alarm(self, admin_client, vwo):
        assert status_of(admin_client)[0] == 503
        refresh_settings()
        vwo.refuse()
        with pytest.raises(RefreshFailed):
            refresh_settings()
        code, report = status_of(admin_client)
        assert (code, report["state"], report["healthy"]) == (200, "failing", True)
        RefreshLease.objects.update(failing_since=UnixNow() - 61)
        code, report = status_of(admin_client)
        assert (code, report["state"], report["healthy"]) == (503, "failing", False)
        assert "connection refused" in report["error"]
        vwo.accept()
        refresh_settings()
        assert status_of(admin_client)[0] == 200
        RefreshLease.objects.update(refreshed_at=UnixNow() - 901)
        code, report = status_of(admin_client)
        assert (code, report["state"]) == (503, "stale")

    def test_a_process_that_stays_behind_is_one(self, admin_client, vwo):
        first = refresh_settings()
        process = FleetProcess.for_this_process()
        process.snapshot = first
        FleetProcess.objects.write_heartbeat(process)
        vwo.set_flag("new_checkout", enabled=False)
        newest = refresh_settings()
        code, report = status_of(admin_client)
        assert (code, report["behind"]) == (200, 1)
        ago = newest.created_at - timedelta(seconds=61)
        SettingsSnapshot.objects.filter(pk=newest.pk).update(created_at=ago)
        assert status_of(admin_client)[0] == 503

    def test_a_database_that_can_not_be_used(self, settings, vwo, caplog):
        configure(settings, STATUS_PERMISSION=f"{__name__}.Anyone")
        with connection.cursor() as cursor:
            table = RefreshLease._meta.db_table
            cursor.execute(f"ALTER TABLE {table} RENAME TO away")
            try:
                code, report = status_of(Client())
            finally:
                cursor.execute(f"ALTER TABLE away RENAME TO {table}")
        assert (code, report["state"], report["healthy"]) == (503, "unknown", False)
        assert "migrate" in report["error"]
