"""Adobe: a token service, the edge network, a streaming inlet, and campaigns that are sent each time."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.vendor import Routes, Vendor, World, is_missing, user_of

ORG, CLIENT, DATASTREAM, INLET = "ORG@AdobeOrg", "adobe-emulator-client", "ds-1", "inlet-1"
SECRET = "adobe-emulator-secret"  # noqa: S105 - the emulator's own
SYMBOL, TENANT, SANDBOX = "CRMID", "_production", "prod"
SCHEMA, DATASET, FLOW = "https://ns.adobe.com/acme/schemas/profile", "dataset-1", "flow-1"
CAMPAIGN, STOPPED_CAMPAIGN = "campaign-1", "campaign-2"
EVENT_ID = "a1" * 32
BARE: Mapping[str, str] = {"identity_map_symbol": SYMBOL, "instance_name": TENANT, "datastream_id": DATASTREAM}
SETTINGS: Mapping[str, str] = {
    **BARE, "ims_org_id": ORG, "client_id": CLIENT, "client_secret": SECRET, "inlet_id": INLET,
    "profile_schema_id": SCHEMA, "profile_dataset_id": DATASET, "profile_flow_id": FLOW,
}
"""Everything that a connector needs; `BARE` is the part of those who do not sign in."""
LIFE = 86_399.0
MAX_BYTES, MAX_STREAMED = 65_536, 1 << 20

Object = dict[str, Any]
routes: Routes[Adobe] = Routes()


def problem(status: int, code: str, detail: str = "") -> Refused:
    """Problem details under one of Adobe's codes."""
    return Refused(answer(status, {"type": f"https://ns.adobe.com/aep/errors/{code}", "status": status,
                                   "title": "Refused by the emulator", "detail": detail}))


class Adobe(Vendor):
    """The emulated organization."""

    name = "adobe_experience_platform"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._begin()

    def _begin(self) -> None:
        self.tokens: dict[str, float] = {}
        self.events: dict[str, Object] = {}
        self.profiles: dict[str, Object] = {}
        self.copies = 0

    def serve(self, ask: Ask) -> Answer:
        """Find what is asked."""
        found = routes.find(ask.method, ask.path)
        if found is None:
            raise Refused(answer(404, {"title": "Not found", "status": 404}))
        reply: Answer = found[0](self, ask, **found[1])
        return reply

    def signed_in(self, ask: Ask) -> None:
        """Refuse what comes without a living token of this organization."""
        if self.tokens.get(ask.bearer, 0.0) <= self.world.now():
            raise problem(401, "EXEG-0503-401", "the token is not valid")
        if (ask.headers.get("x-api-key"), ask.headers.get("x-gw-ims-org-id")) != (CLIENT, ORG):
            raise problem(403, "EXEG-0001-403", "another client or organization")

    def keep(self, event: Object) -> None:
        """An event: the data lake keeps each copy, the profile store the first."""
        self.copies += 1
        mark = str(event.get("_id") or f"made-{self.world.number()}")
        who = event["identityMap"][SYMBOL][0]["id"]
        if mark in self.events:
            self.world.ledger.replay(self.id, mark, who)
            return
        self.events[mark] = event
        orchestration = event.get("_experience", {}).get("campaign", {}).get("orchestration", {}).get("eventID")
        self.note("journey.entered" if orchestration else "event.collected", who, mark=mark)

    def error(self, status: int) -> Answer:
        """Problem details for a status."""
        return problem(status, f"EXEG-0999-{status}", "the emulator's script").reply

    def inner_error(self, _ask: Ask) -> Answer:
        """A success that says that there was no consent."""
        return problem(200, "EXEG-0301-200", "no consent").reply

    def state(self) -> Mapping[str, Any]:
        """Events by id, profiles by identity, and how many events the data lake holds."""
        return copy.deepcopy({"events": self.events, "profiles": self.profiles, "copies": self.copies})

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """`expire_tokens`."""
        if name != "expire_tokens":
            return super().command(name, values)
        self.tokens.clear()
        return None

    def reset(self) -> None:
        """Nothing is there."""
        super().reset()
        self._begin()


@routes.on("POST", "/ims/token/v3")
def token(vendor: Adobe, ask: Ask) -> Answer:
    """A token for a day."""
    form = dict(ask.form)
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
        raise Refused(answer(400, {"error": "invalid_client", "error_description": "invalid client_secret"}))
    if "openid" not in form.get("scope", "").split(","):
        raise Refused(answer(400, {"error": "invalid_scope"}))
    made = f"adobe-token-{vendor.world.number()}"
    vendor.tokens[made] = vendor.world.now() + LIFE
    return answer(200, {"access_token": made, "token_type": "bearer", "expires_in": int(LIFE)})


@routes.on("GET", "/ajo/im/health")
def health(vendor: Adobe, ask: Ask) -> Answer:
    """Whether the messaging API lives."""
    vendor.signed_in(ask)
    return answer(200, {"status": "UP"})


@routes.on("POST", "/ee/v2/collect")
def collect(vendor: Adobe, ask: Ask) -> Answer:
    """Take events, all or none; without a token too, as the datastream's access type is mixed."""
    if ask.bearer:
        vendor.signed_in(ask)
    if ask.value("datastreamId") != DATASTREAM:
        raise problem(400, "EXEG-0003-400", "unknown datastream")
    if len(ask.body) > MAX_BYTES:
        raise problem(413, "EXEG-0112-413", "over 64 kB")
    events = (ask.json or {}).get("events")
    if not isinstance(events, list) or not events:
        raise problem(400, "EXEG-0101-400", "there are no events")
    for place, one in enumerate(events):
        primary = [row for row in one.get("xdm", {}).get("identityMap", {}).get(SYMBOL, []) if row.get("primary")]
        if not primary or not primary[0].get("id") or is_missing(primary[0]["id"]):
            raise problem(400, "EXEG-0306-400", f"event #{place} has no primary identity")
    for one in events:
        vendor.keep(one["xdm"])
    return answer(202, {"requestId": f"{vendor.world.number():08d}-0000-4000-8000-000000000000-0123456789abcdef"})


@routes.on("POST", "/ajo/im/executions/unitary")
def execute(vendor: Adobe, ask: Ask) -> Answer:
    """Send a campaign's message, again each time."""
    vendor.signed_in(ask)
    given = ask.json or {}
    recipients = given.get("recipients") or []
    if given.get("campaignId") != CAMPAIGN or not given.get("requestId") or not 1 <= len(recipients) <= 20:
        raise problem(400, "MSG-000052-400", "the campaign is not live, or the request is not whole")
    for one in recipients:
        if not all(one.get(name) for name in ("type", "userId", "namespace")) or is_missing(str(one["userId"])):
            raise problem(400, "MSG-000053-400", "a recipient is not whole or has no profile")
        who = str(one["userId"])
        vendor.note("message.sent", user_of(who) or who, mark=given["requestId"], number=vendor.world.number())
    return answer(202, {"executionId": f"HUMA-{vendor.world.number()}", "requestId": given["requestId"]})


@routes.on("POST", "/collection/{inlet}")
def stream(vendor: Adobe, ask: Ask, inlet: str) -> Answer:
    """One record through the inlet."""
    _check_inlet(vendor, ask, inlet)
    why = _take(vendor, ask.json)
    if why:
        raise problem(400, "DCVS-1106-400", why)
    return answer(200, {"inletId": inlet, "xactionId": f"x-{vendor.world.number()}", "receivedTimeMs": 1})


@routes.on("POST", "/collection/batch/{inlet}")
def stream_batch(vendor: Adobe, ask: Ask, inlet: str) -> Answer:
    """Several records; good ones are stored though others fail."""
    _check_inlet(vendor, ask, inlet)
    ends = [{"statusCode": 400, "message": why} if why else {"xactionId": f"x-{vendor.world.number()}"}
            for why in (_take(vendor, one) for one in (ask.json or {}).get("messages") or ())]
    return answer(207, {"inletId": inlet, "batchId": "b", "receivedTimeMs": 1, "responses": ends})


def _check_inlet(vendor: Adobe, ask: Ask, inlet: str) -> None:
    vendor.signed_in(ask)
    if len(ask.body) > MAX_STREAMED:
        raise problem(413, "DCVS-1120-413", "over 1 MB")
    if inlet != INLET or ask.headers.get("x-sandbox-name") != SANDBOX:
        raise problem(403, "DCVS-1101-403", "unknown inlet or sandbox")


def _take(vendor: Adobe, message: Any) -> str:
    """Keep a record; why not, where it is not whole."""
    header, body = (message or {}).get("header") or {}, (message or {}).get("body") or {}
    named = header.get("schemaRef")
    whole = header.get("imsOrgId") == ORG and header.get("datasetId") and header.get("flowId") and named
    if not whole or named != body.get("xdmMeta", {}).get("schemaRef"):
        return "Invalid XDM Message Format"
    entity = body.get("xdmEntity") or {}
    who = str(entity.get("identityMap", {}).get(SYMBOL, [{}])[0].get("id") or "")
    if not who or is_missing(who):
        return "no primary identity"
    if "eventType" in entity:
        vendor.keep(entity)
    elif vendor.profiles.get(who) != entity:
        vendor.profiles[who] = entity
        vendor.note("profile.updated", who)
    return ""
