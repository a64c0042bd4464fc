"""The four roles and what each may do: the one table that pages, API and commands ask."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

ANY_APP = "*"
"""In a member's roles: every app, and the company itself."""


class Role(StrEnum):
    """What a member is, in one app or in all."""

    COMPANY_ADMINISTRATOR = "company_administrator"
    APP_ADMINISTRATOR = "app_administrator"
    APP_MEMBER = "app_member"
    READ_ONLY = "read_only"

    @property
    def label(self) -> str:
        """As people read it."""
        return self.value.replace("_", " ").capitalize()


class Permission(StrEnum):
    """One thing that somebody may do."""

    SEE_SETTINGS = "see_settings"
    """Connectors with their settings; of secrets only whether they are set."""
    CHANGE_SETTINGS = "change_settings"
    """Connectors' settings, limits, exports, active or not; test connections."""
    SET_SECRETS = "set_secrets"
    """Put another secret in the place of one; none is ever shown."""
    SEE_BINDINGS = "see_bindings"
    CHANGE_BINDINGS = "change_bindings"
    """Which actions a prompt's interactions set off; dry runs."""
    APPLY_CONFIGURATION = "apply_configuration"
    """Make live what one may change."""
    ROLL_BACK_CONFIGURATION = "roll_back_configuration"
    """Take a whole earlier version back."""
    CHANGE_APPS = "change_apps"
    """Make and remove apps; their titles and add-ons."""
    SEE_MEMBERS = "see_members"
    CHANGE_MEMBERS = "change_members"
    SEE_TOKENS = "see_tokens"
    CHANGE_TOKENS = "change_tokens"
    """Make and withdraw tokens, of no more rights than one's own."""
    SEE_ACTIVITY = "see_activity"
    """Outcomes and what waits; personal data masked."""
    SEE_HEALTH = "see_health"
    SEE_DEAD_LETTERS = "see_dead_letters"
    """Personal data masked."""
    REVEAL_PAYLOADS = "reveal_payloads"
    """Events, attributes and exchanges unmasked; each look is audited."""
    REPLAY = "replay"
    """Run dead letters again: it has effects at vendors."""
    CLOSE_DEAD_LETTERS = "close_dead_letters"
    FORGET_USERS = "forget_users"
    SEE_AUDIT = "see_audit"
    PUBLISH = "publish"
    """Send interactions and attributes into the app: what product apps do with a token."""


_P = Permission

_READ_ONLY = frozenset({_P.SEE_SETTINGS, _P.SEE_BINDINGS, _P.SEE_ACTIVITY, _P.SEE_HEALTH, _P.SEE_DEAD_LETTERS})
_APP_MEMBER = _READ_ONLY | {_P.CHANGE_BINDINGS, _P.APPLY_CONFIGURATION}
_APP_ADMINISTRATOR = _APP_MEMBER | {
    _P.CHANGE_SETTINGS, _P.SET_SECRETS, _P.ROLL_BACK_CONFIGURATION, _P.SEE_MEMBERS, _P.CHANGE_MEMBERS, _P.SEE_TOKENS,
    _P.CHANGE_TOKENS, _P.REVEAL_PAYLOADS, _P.REPLAY, _P.CLOSE_DEAD_LETTERS, _P.FORGET_USERS, _P.SEE_AUDIT, _P.PUBLISH,
}

TABLE: Mapping[Role, frozenset[Permission]] = MappingProxyType({
    Role.COMPANY_ADMINISTRATOR: frozenset(Permission),
    Role.APP_ADMINISTRATOR: _APP_ADMINISTRATOR,
    Role.APP_MEMBER: _APP_MEMBER,
    Role.READ_ONLY: _READ_ONLY,
})
"""What each role may do in the apps that a member has it for."""

GRANTABLE = frozenset({_P.REPLAY, _P.CLOSE_DEAD_LETTERS, _P.REVEAL_PAYLOADS})
"""Rights of their own: a member can be given them beside the role, such as the engineer on call."""
