"""What our client does otherwise than the SDK's own."""

import pytest
from vwo.models.user.get_flag import GetFlag
from wingify.packages.logger.core.log_manager import LogManager

from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.testing import build_settings, feature, override_flags
from tests.conftest import configure
from tests.sdk.conftest import store

USER = {"id": "u"}
JSON = {"tags": ["a"], "box": {"sizes": [1, {"deep": []}]}}

NOT_KEYS = [None, 5, True, b"new_checkout", ("a",), ["a"], {}, {"a": 1}, set(), (["a"],), object]
NOT_CONTEXTS = [None, "u", "", 5, 0, ["id"], [], (("id", "u"),), {"id"}, object, dict]
NOT_IDS = [None, 5, 0, 5.5, True, b"u", ["u"], {"id": "u"}, object]


def test_an_update_by_the_sdk_itself_is_refused_and_says_what_to_write(client):
    with pytest.raises(RuntimeError, match=r"refresh_settings\(\)"):
        client.update_settings()
    assert client.get_flag("new_checkout", USER).is_enabled()


def test_a_context_without_a_user_is_left_to_the_sdk(client):
    assert not client.get_flag("new_checkout", {}).is_enabled()
    assert client.track_event("bought", {}) == {"bought": False}


class TestWrongArguments:
    """The SDK's answers, and its errors in the log; nothing raises, nothing is printed."""

    @pytest.fixture(autouse=True)
    def nothing_is_printed(self, client, capfd):
        yield
        assert capfd.readouterr().out == ""

    @pytest.fixture(autouse=True, params=[False, True], ids=["", "another flag is overridden"])
    def overridden(self, request):
        if not request.param:
            yield
        else:
            with override_flags(banner=True):
                yield

    def is_off(self, flag):
        assert isinstance(flag, GetFlag)
        assert flag.get_variables() == []
        assert flag.get_variable("color", "none") == "none"
        assert isinstance(flag.get_session_id(), int)
        return not flag.is_enabled()

    @pytest.mark.parametrize("key", NOT_KEYS, ids=repr)
    def test_a_key_that_is_not_a_string_is_off_and_logged(self, client, caplog, key):
        assert self.is_off(client.get_flag(key, USER))
        assert "should be:string" in caplog.text

    @pytest.mark.parametrize("context", NOT_CONTEXTS, ids=repr)
    def test_a_context_that_is_not_a_dict_is_off_and_logged(self, client, caplog, context):
        assert self.is_off(client.get_flag("new_checkout", context))
        assert "must contain a mandatory key: id" in caplog.text
        assert client.track_event("bought", context) == {"bought": False}
        assert client.set_attribute("plan", "pro", context) is None
        assert client.set_attribute({"plan": "pro"}, context) is None

    @pytest.mark.parametrize("visitor", [*NOT_IDS, "", "\0", "\ud800", "ü" * 10_000], ids=ascii)
    def test_an_odd_id_is_evaluated_as_the_sdk_does(self, client, visitor):
        """Its releases differ in what they refuse."""
        expected = super(type(client), client).get_flag("new_checkout", {"id": visitor})
        flag = client.get_flag("new_checkout", {"id": visitor})
        assert flag.is_enabled() == expected.is_enabled()
        assert flag.get_variables() == expected.get_variables()
        assert flag.get_uuid() == expected.get_uuid()
        assert client.track_event("bought", {"id": visitor}) == {"bought": False}
        assert client.set_attribute("plan", "pro", {"id": visitor}) is None

    def test_an_empty_id_is_logged(self, client, caplog):
        client.get_flag("new_checkout", {"id": ""})
        assert "ERROR_STORING_DATA_IN_STORAGE (key: Context or Context.id)" in caplog.text

    @pytest.mark.parametrize("name", NOT_KEYS, ids=repr)
    def test_an_event_needs_a_name(self, client, caplog, name):
        assert not any(client.track_event(name, USER).values())
        assert "should be a string" in caplog.text

    @pytest.mark.parametrize("key", NOT_KEYS, ids=repr)
    def test_an_attribute_needs_a_name(self, client, caplog, key):
        assert client.set_attribute(key, "pro", USER) is None
        assert "should be a string" in caplog.text

    @pytest.mark.parametrize("key", NOT_KEYS, ids=repr)
    def test_nor_before_the_first_settings(self, vwo, key):
        lifecycle.forget_settings()
        client = lifecycle.client()
        assert client.snapshot_id is None
        for context in (USER, None, {}):
            assert self.is_off(client.get_flag(key, context))


@pytest.mark.parametrize(
    ("template", "data", "line"),
    [
        ("A sentence of the SDK's", {"err": "x"}, "A sentence of the SDK's (err: x)"),
        ("ERROR_STORING_DATA_IN_STORAGE", {}, "ERROR_STORING_DATA_IN_STORAGE"),
        ("FEATURE_NOT_FOUND", {"featureKey": "k"}, "Feature not found for the key:k"),
    ],
)
def test_each_error_of_the_sdk_is_logged(client, caplog, capfd, template, data, line):
    LogManager.get_instance().error_log(template, data)
    assert caplog.messages == [line]
    assert capfd.readouterr().out == ""


class TestJSON:
    """Each caller has its own copy."""

    @pytest.fixture
    def flag(self, vwo, db):
        store(build_settings(feature("new_checkout", variables={"style": JSON, "color": "red"})))
        lifecycle.apply_in_force()
        return lambda: lifecycle.client().get_flag("new_checkout", USER)

    @pytest.fixture
    def overridden(self):
        style = {"tags": ["a"], "box": {"sizes": [1, {"deep": []}]}}
        shared = {"style": style, "color": "red"}
        first, second = override_flags(new_checkout=shared), override_flags(banner=shared)
        style["tags"].append("changed by the test")
        with first, second:
            yield lambda key="new_checkout": lifecycle.client().get_flag(key, USER)

    @pytest.mark.parametrize("source", ["flag", "overridden"])
    def test_a_change_is_the_caller_s_own(self, request, source, vwo):
        evaluate = request.getfixturevalue(source)
        for change in (
            lambda flag: flag.get_variable("style")["tags"].append("mine"),
            lambda flag: flag.get_variable("style")["box"]["sizes"][1]["deep"].append("mine"),
            lambda flag: flag.get_variable("style").clear(),
            lambda flag: flag.get_variables()[0]["value"]["box"].update(sizes=None),
            lambda flag: flag.get_variables()[0].update(value=None),
            lambda flag: flag.get_variables().clear(),
        ):
            kept = evaluate()
            change(kept)
            for flag in (kept, evaluate()):
                assert flag.get_variable("style") == JSON
                assert [each["value"] for each in flag.get_variables()] == [JSON, "red"]

    def test_two_overrides_with_one_dict_share_nothing(self, overridden, vwo):
        overridden("new_checkout").get_variable("style")["tags"].append("mine")
        assert overridden("banner").get_variable("style") == JSON

    def test_what_json_lacks_is_not_shared_either(self, vwo):
        with override_flags(new_checkout={"sizes": {1, 2}}):
            client = lifecycle.client()
            client.get_flag("new_checkout", USER).get_variable("sizes").add(3)
            assert client.get_flag("new_checkout", USER).get_variable("sizes") == {1, 2}

    def test_a_default_is_returned_as_it_is(self, flag):
        default = {"own": []}
        assert flag().get_variable("no such variable", default) is default
        assert flag().get_variable("no such variable") is None


def test_a_storage_ends_with_the_options_that_have_it(client, settings):
    class Storage:
        asked = 0

        def get(self, feature_key, user_id):
            self.asked += 1

        def set(self, data):
            pass

    storage, without = Storage(), settings.VWO_WEBHOOKS["SDK_OPTIONS"]
    configure(settings, SDK_OPTIONS={**without, "storage": storage})
    lifecycle.client().get_flag("new_checkout", USER)
    assert storage.asked == 1
    configure(settings, SDK_OPTIONS=without)
    lifecycle.client().get_flag("new_checkout", USER)
    assert storage.asked == 1
