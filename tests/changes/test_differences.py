"""Where two documents differ."""

import copy

import pytest

from tests.changes.conftest import (
    FLAGS,
    ROLLOUT_TWO,
    TEST_11,
    changed,
    checked,
    described,
    nested,
    put,
    with_tests,
)


def test_a_list_with_anything_but_objects_is_compared_as_a_whole():
    [change] = changed(put("features", 1, "rules", 0, value=None))
    assert (change["kind"], change["path"]) == ("other", "features / two / rules")
    assert change["text"] == "two: rules changed"
    assert change["after"] == [None]


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0, False), ("1", 1)])
def test_values_that_are_equal_in_python_but_not_in_json_differ(before, after):
    assert checked({"x": before}, {"x": after})
    path = ("campaigns", ROLLOUT_TWO, "variations", 0, "variables", 1, "value")
    document = copy.deepcopy(FLAGS)
    put(*path, value=before)(document)
    assert changed(put(*path, value=after), document)


def test_null_is_not_a_missing_value():
    assert described(put("brandNew", value=None)) == [("other", "Settings: brandNew added: null")]


def test_unknown_keys_are_compared():
    assert described(put("brandNew", value={"deep": [1]})) == [
        ("other", 'Settings: brandNew added: {"deep":[1]}')
    ]


def test_deeply_nested_values_are_compared():
    for path in (("x",), ("campaigns", TEST_11, "segments"), ("features", 0, "rules", 0, "x")):
        before, after = with_tests(), with_tests()
        put(*path, value=nested({"country": "DE"}, 400))(before)
        put(*path, value=nested({"country": "AT"}, 400))(after)
        assert len(checked(before, after)) == 1
