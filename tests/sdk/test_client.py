"""What our client does otherwise than the SDK's own."""

import pytest

USER = {"id": "u"}


def test_an_update_by_the_sdk_itself_is_refused_and_says_what_to_write(client):
    with pytest.raises(RuntimeError, match=r"refresh_settings\(\)"):
        client.update_settings()
    assert client.get_flag("new_checkout", USER).is_enabled()


def test_a_context_without_a_user_is_left_to_the_sdk(client):
    assert not client.get_flag("new_checkout", {}).is_enabled()
    assert client.track_event("bought", {}) == {"bought": False}
