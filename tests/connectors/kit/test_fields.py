"""Settings and parameters as forms, and errors at their fields."""

from typing import Self

import pytest
from pydantic import BaseModel, SecretStr, ValidationError, model_validator

from connectors.kit import Settings, field
from connectors.kit.fields import refuse


class Pair(Settings):
    key: SecretStr = field("Key", default=SecretStr(""))
    host: str = field("Host", default="", group="where", public=True, placeholder="x")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        refuse({} if self.host == "good" else {"host": "is {not} good", "key": "is missing"})
        return self


class Outer(BaseModel):
    pair: Pair


def test_each_mistake_is_told_at_its_own_field_however_deep_it_lies():
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"pair": {"key": "hush", "host": "bad"}})
    found = [(error["loc"], error["msg"]) for error in caught.value.errors()]
    assert found == [(("pair", "host"), "is {not} good"), (("pair", "key"), "is missing")]
    assert "hush" not in str(caught.value)
    assert "bad" not in str(caught.value)


def test_nothing_found_is_nothing_refused():
    assert Pair(host="good").host == "good"


def test_a_field_carries_what_a_form_shows():
    shown = Pair.model_json_schema()["properties"]["host"]
    assert (shown["title"], shown["group"], shown["placeholder"], shown["public"]) == ("Host", "where", "x", True)
