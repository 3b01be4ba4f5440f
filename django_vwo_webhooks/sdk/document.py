"""A settings document: as VWO served it, and as the SDK's schema wants it."""

from functools import cached_property
from typing import Any

import jsonschema
from wingify.models.schemas.settings_schema import SETTINGS_FILE_SCHEMA

from .. import strict_json
from ..changes import digest
from ..exceptions import InvalidSettings, NotJSON
from ..redaction import RedactedDict, redact

_last_digest: tuple[bytes | None, str] = (None, "")


class Fetched:
    """What VWO served, byte for byte; it is parsed only when somebody asks for it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @cached_property
    def document(self) -> dict[str, Any]:
        """The settings, not validated. Raises ``NotJSON``."""
        try:
            document = strict_json.loads(self.raw)
        except ValueError as error:
            raise NotJSON(f"VWO's answer is not JSON: {redact(str(error))}.") from None
        if not isinstance(document, dict):
            raise NotJSON("VWO's answer is not a JSON object.")
        return RedactedDict(document)

    @cached_property
    def digest(self) -> str:
        """The digest of the document. The same bytes as last time are not parsed again."""
        global _last_digest
        raw, known = _last_digest
        if raw != self.raw:
            known = digest(self.document)
            _last_digest = (self.raw, known)
        return known


class ValidatedSettings(RedactedDict):
    """A settings document that matches the SDK's schema, so that it is never validated again."""


def validate(document: dict[str, Any]) -> ValidatedSettings:
    """The document, if it matches the SDK's schema.

    Raises ``InvalidSettings``, whose message names the first place that does not match.
    """
    validator = jsonschema.Draft7Validator(SETTINGS_FILE_SCHEMA)
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is not None:
        place = "".join(
            f"[{step}]" if isinstance(step, int) else f".{ascii(step)[1:-1]}"
            for step in error.absolute_path
        )
        raise InvalidSettings(
            f"VWO's settings do not match the SDK's schema at {place.lstrip('.') or 'the top'}: "
            f"{_reason(error)}."
        )
    return ValidatedSettings(document)


def _reason(error: jsonschema.ValidationError) -> str:
    # the library's own message quotes the document, and with it the SDK key
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"{', '.join(missing)} missing"
    if error.validator in ("type", "enum", "const"):
        return f"should be {error.validator_value}"
    return f'breaks the rule "{error.validator}"'
