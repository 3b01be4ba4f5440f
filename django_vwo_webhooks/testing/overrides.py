"""Overrides flags in tests, as Django's ``override_settings`` overrides settings."""

from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

from django.test.utils import TestContextDecorator

from django_vwo_webhooks.under_test import overridden_flags

Decorated = TypeVar("Decorated")


class override_flags(TestContextDecorator):  # noqa: N801 - as override_settings is written
    """Overrides flags in a ``with`` block, or as a decorator of a test, which may be ``async``, or
    of a ``TestCase`` class.

    ``override_flags(new_checkout=True, banner=False)`` switches flags on and off;
    ``override_flags(new_checkout={"button": "Buy"})`` switches a flag on with these variables.
    Keys that are not Python names go into a dict: ``override_flags({"new-checkout": True})``.
    Applies to every user and every thread of this process; nested overrides add up.
    """

    def __init__(self, flags: dict[str, Any] | None = None, **more_flags: Any) -> None:
        super().__init__()
        # a copy, so that a dict that a test changes or uses twice does not change the flags
        self.flags: dict[str, Any] = deepcopy({**(flags or {}), **more_flags})
        for key, value in self.flags.items():
            if not isinstance(value, (bool, dict)):
                raise TypeError(
                    f"The flag {key} should be True, False or a dict of variables, not {value!r}"
                )
        self._before: list[dict[str, Any]] = []

    if TYPE_CHECKING:
        # without django-stubs, what it decorates would lose its type
        def __call__(self, decorated: Decorated) -> Decorated: ...

    def enable(self) -> "override_flags":
        self._before.append(dict(overridden_flags))
        overridden_flags.update(self.flags)
        return self

    def disable(self) -> None:
        before = self._before.pop()
        overridden_flags.clear()
        overridden_flags.update(before)
