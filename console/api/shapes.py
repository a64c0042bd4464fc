"""What programs send and are sent: the API's words, with their meaning."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.standing import State
from processor.access import Permission, Role


class Body(BaseModel):
    """What programs send; unknown names are mistakes, and errors repeat nothing of it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AppSummary(BaseModel):
    """An app."""

    id: str
    title: str
    version: int = Field(description="What the next change names as its base.")
    digest: str = Field(description="Under which outcomes name this configuration.")
    at: int = Field(description="Milliseconds since 1970.")
    by: str


class ConnectorSummary(BaseModel):
    """A connector as an app has it."""

    id: str
    title: str
    category: str
    addon: bool
    state: State
    why: str = ""
    since: int = Field(0, description="Milliseconds since 1970, since when the oldest chain waits.")
    next_at: int = Field(0, description="When it is tried again; 0 where no time is set.")
    chains: int = Field(0, description="How many chains wait for it.")


class SecretSummary(BaseModel):
    """All that is ever told of a secret."""

    is_set: bool
    ends_in: str = ""
    comes_from: str = Field("", description="The reference, where the secret is kept elsewhere.")
    changed: int = 0
    by: str = ""


class ConnectorDetail(ConnectorSummary):
    """A connector with its settings."""

    base: int = Field(description="The app's version: name it in the next change.")
    active: bool
    settings: dict[str, Any] = Field(description="Without secrets.")
    secrets: dict[str, SecretSummary | dict[str, SecretSummary]]
    limits: dict[str, Any]
    exports: dict[str, Any]
    described: dict[str, Any] = Field(description="Settings, actions and exports there are.")


class ConnectorChange(Body):
    """What a connector gets."""

    base: int = Field(ge=0, description="The app's version that this change was made from.")
    active: bool = True
    settings: dict[str, Any] = Field({}, description="All settings. Secrets as text, which is sealed, or as"
                                     " references; one that is left out stays as it is, null takes it away.")
    limits: dict[str, Any] | None = Field(None, description="Left out: as they are.")
    exports: dict[str, Any] | None = Field(None, description="Left out: as they are.")


class TestWish(Body):
    """Settings to be tested without being saved."""

    settings: dict[str, Any] | None = Field(None, description="Left out: those that are kept.")


class TestResult(BaseModel):
    """What the vendor said."""

    state: Literal["works", "fails", "untested"]
    account: str = ""
    mode: str = ""
    reason: str = ""
    code: str = ""
    message: str = ""
    advice: str = ""
    status: int = 0
    request_id: str = ""


class Picked(BaseModel):
    """An entry of a pick list."""

    value: str
    title: str


class NewApp(Body):
    """An app to be made."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")
    title: str = Field("", max_length=200)
    content: dict[str, Any] | None = Field(None, description="Its whole configuration; left out: an empty one.")
    note: str = Field("", max_length=500)


class Configured(BaseModel):
    """An app's whole configuration; sealed secrets stand as `(kept)`."""

    base: int
    digest: str
    content: dict[str, Any]


class ConfigurationChange(Body):
    """What an app's whole configuration becomes."""

    base: int = Field(ge=0, description="The app's version that this change was made from; 0 for a new app.")
    content: dict[str, Any] = Field(description="`app`, `connectors` and `prompts`, as their files have them."
                                    " `(kept)` stands for a sealed secret that stays in its place.")
    note: str = Field("", max_length=500, description="Why.")


class Applied(BaseModel):
    """A version that is now live."""

    app: str
    version: int
    digest: str


class Difference(BaseModel):
    """One change, without secrets."""

    part: str
    name: str
    kind: str
    what: str = ""
    before: str = ""
    after: str = ""


class Plan(BaseModel):
    """What applying would change."""

    base: int
    changes: list[Difference]
    effects: list[str] = Field(description="The same in sentences.")


class PastVersion(BaseModel):
    """A version of an app."""

    version: int
    digest: str
    at: int
    by: str
    note: str
    removed: bool


class RollBack(Body):
    """Which version's content an app gets back."""

    base: int = Field(ge=1)
    version: int = Field(ge=1)
    note: str = Field("", max_length=500)


class MemberSummary(BaseModel):
    """A member."""

    email: str
    name: str
    roles: dict[str, Role] = Field(description="By app, or * for all.")
    grants: dict[str, list[Permission]]
    disabled: bool


class MemberChange(Body):
    """A member's role in this app, or in all of them."""

    role: Role | None = Field(description="null takes it away.")
    everywhere: bool = Field(False, description="In all apps; Company administrators only.")
    name: str | None = None
    grants: list[Permission] = []


class TokenSummary(BaseModel):
    """A token; its text is never told again."""

    id: str
    title: str
    scopes: list[Permission]
    apps: list[str]
    member: str | None
    created: int
    expires: int | None


class TokenWish(Body):
    """A token to be made, of no more rights than one's own."""

    title: str = Field("", max_length=100)
    scopes: list[Permission] = Field(min_length=1)
    everywhere: bool = Field(False, description="For all apps; Company administrators only.")
    days: int | None = Field(None, ge=1, le=3650, description="After these it is worth nothing; null for never.")


class TokenMade(TokenSummary):
    """A new token with its text: shown this once."""

    text: str
