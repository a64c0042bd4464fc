"""The shapes of the files, key by key, before connectors and actions are looked up."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from connectors.kit.connector import Limits
from processor.config import durations
from processor.config.model import DAY, InDoubtRule, OnError, Order


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        return durations.seconds(value)
    raise ValueError(f"no length of time; write {durations.EXAMPLES}")


Duration = Annotated[float, BeforeValidator(_seconds), Field(gt=0), WithJsonSchema(durations.SCHEMA)]
"""A length of time with its unit."""


class Shape(BaseModel):
    """A mapping in a file; unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AppShape(Shape):
    """`app.yaml`."""

    title: str = ""
    addons: tuple[str, ...] = ()
    duplicates_window: Duration = DAY


class LimitsShape(Shape):
    """`limits` of a connector."""

    rate: float | None = Field(None, ge=0, description="requests a second, 0 for no limit")
    concurrency: int | None = Field(None, ge=1, description="calls in flight at once")
    timeout: Duration | None = None

    def over(self, own: Limits) -> Limits:
        """The connector's own limits with these in front."""
        given = self.model_dump(exclude_none=True)
        return Limits(**{"rate": own.rate, "concurrency": own.concurrency, "timeout": own.timeout, **given})


class ExportShape(Shape):
    """One entry of a connector's `exports`."""

    interactions: tuple[str, ...] | None = None
    prompts: tuple[str, ...] | None = None
    params: dict[str, Any] | None = None


class ConnectorShape(Shape):
    """One entry of `connectors.yaml`."""

    active: bool = True
    settings: dict[str, Any] | None = None
    limits: LimitsShape = LimitsShape()
    exports: dict[str, Any] | None = None


class BindingShape(Shape):
    """One entry of a chain."""

    action: str
    params: dict[str, Any] | None = None
    id: str | None = Field(None, pattern=r"^[A-Za-z0-9_.#-]{1,100}$", description="letters, digits and _ . # -")
    on_error: OnError = "stop"
    max_age: Duration | None = None
    in_doubt: InDoubtRule = "hold"
    order: Order = "hold"


