"""Connection tests and pick lists: what a vendor says to an app's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from connectors.kit.connector import Account, Option
from connectors.kit.errors import Broken, Failure
from processor.config.model import AppConnector
from processor.control.line import Line

State = Literal["works", "fails", "untested"]
Dial = Callable[[AppConnector], Line]
"""Opens a line to the vendor of a connector."""

NOT_ACTIVE = "it is not active for this app"
NO_CHECK = "the vendor offers nothing that can be asked without an effect"
SIGNED_IN = "signing in works; " + NO_CHECK
TEXT_LIMIT = 500
"""Characters of a vendor's words that are shown."""

_ADVICE: Mapping[str, str] = {
    "misconfigured": "compare the settings of '{connector}' in connectors.yaml, and its secrets, with the vendor's"
                     " console: wrong or revoked credentials, a missing permission, or the wrong region",
    "unavailable": "the vendor cannot be reached or is not well: try again in a minute; if it stays, look at the"
                   " vendor's status page, at the addresses in the settings and at the way through your network",
    "rejected": "the credentials may be right, but the vendor refuses this request: read its words, and compare the"
                " identifiers in the settings with its console",
    "broken": "a bug of the connector, not of your settings: report it with this line and the version",
}


class Checked(NamedTuple):
    """What the connection test of one connector of one app found."""

    app: str
    connector: str
    state: State
    account: str = ""
    mode: str = ""
    """`live` or `sandbox`, where the vendor or the key tells."""
    reason: str = ""
    code: str = ""
    message: str = ""
    """The vendor's words, or why there is nothing to test."""
    advice: str = ""
    """What to do about it."""
    status: int = 0
    request_id: str = ""


def check(app_id: str, used: AppConnector, dial: Dial) -> Checked:
    """Test the connection of one connector."""
    name = used.connector.id
    if not used.active:
        return Checked(app_id, name, "untested", message=NOT_ACTIVE, advice="set active: true to use it")
    line: Line | None = None
    try:
        line = dial(used)
        return _asked(app_id, used, line)
    except Failure as failure:
        return _failed(app_id, name, failure, line)
    except Exception as error:  # noqa: BLE001 - one connector's bug must not end the test of the others
        return _failed(app_id, name, Broken("check", f"{type(error).__name__} during the test"), line)


def _asked(app_id: str, used: AppConnector, line: Line) -> Checked:
    flow = used.connector.check
    if flow is None:
        return Checked(app_id, used.connector.id, "untested", message=SIGNED_IN if line.sign_in() else NO_CHECK)
    account: Account = line.run(flow(used.settings))
    return Checked(app_id, used.connector.id, "works", line.masked(account.name), account.mode)


def _failed(app_id: str, name: str, failure: Failure, line: Line | None) -> Checked:
    text = failure.message or failure.code
    words = line.masked(text) if line else text
    return Checked(app_id, name, "fails", reason=failure.reason, code=failure.code, message=words[:TEXT_LIMIT],
                   advice=advice(name, failure), status=failure.status, request_id=failure.request_id)


def options(used: AppConnector, name: str, dial: Dial) -> Sequence[Option]:
    """A pick list, asked of the vendor; raises Failure, whose text holds no secret, and KeyError for no such list."""
    listed = used.connector.options[name]
    line = dial(used)
    try:
        return tuple(line.run(listed(used.settings)))
    except Failure as failure:
        failure.message = line.masked(failure.message)[:TEXT_LIMIT]
        failure.args = (f"{failure.code}: {failure.message}" if failure.message else failure.code,)
        raise


def advice(connector_id: str, failure: Failure) -> str:
    """What a person does about a failure of a control call."""
    return _ADVICE.get(failure.reason, _ADVICE["rejected"]).format(connector=connector_id)
