import json
from typing import Any

from django.db import models


class JSONTextField(models.TextField):  # type: ignore[type-arg]
    """A JSON value, kept as ASCII text.

    Databases differ in what their own JSON types refuse: PostgreSQL's has no NUL, MariaDB's no
    more than 32 levels, and none takes what its charset lacks. VWO's documents may hold all of
    that, and settings that can't be stored would freeze the flags. Nothing queries inside these
    values, so text serves every database.
    """

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return value if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "as_sql"):
            return value
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(self.value_from_object(obj))
