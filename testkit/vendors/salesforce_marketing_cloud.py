"""Salesforce: an org (core REST) and a Marketing Cloud tenant (REST and SOAP), each with its own tokens."""

# ruff: noqa: A001 - `id` is the vendors' own word, and so it is ours

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import jwt

from testkit.vendors import credentials
from testkit.vendors.exchange import Answer, Ask, Refused, answer
from testkit.vendors.salesforce_messaging import failed as tenant_failed
from testkit.vendors.salesforce_messaging import messaging
from testkit.vendors.salesforce_soap import fault, service
from testkit.vendors.salesforce_state import SalesforceState
from testkit.vendors.salesforce_support import failed as org_failed
from testkit.vendors.salesforce_support import support
from testkit.vendors.vendor import Vendor, World

LIFETIME = 1200.0
TOLD_LIFETIME = 1079
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "email_read email_send list_and_subscribers_read list_and_subscribers_write"


class Salesforce(Vendor):
    """The emulated org and tenant, behind one address."""

    name = "salesforce_marketing_cloud"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.books = SalesforceState(world)

    def serve(self, ask: Ask) -> Answer:
        """Tell by the path which of the APIs is meant."""
        path = ask.path.lower()
        if path == "/services/oauth2/token":
            return self._support_token(ask)
        if path == "/v2/token":
            return self._marketing_token(ask)
        if path == "/service.asmx":
            return service(self.books, ask, allowed=self._marketing)
        if path.startswith("/services/data/"):
            return self._support(ask)
        return self._messaging(ask)

    def _support(self, ask: Ask) -> Answer:
        if ask.bearer not in self.books.support_tokens:
            return org_failed(401, "INVALID_SESSION_ID", "Session expired or invalid")
        found = support.find(ask.method, ask.path)
        if found is None:
            return org_failed(404, "NOT_FOUND", "The requested resource does not exist")
        return found[0](self.books, ask, **found[1]).with_headers(("Sforce-Limit-Info", "api-usage=1/100000"))

    def _messaging(self, ask: Ask) -> Answer:
        if not self._marketing(ask.bearer):
            return tenant_failed(401, 0, "Not Authorized")
        found = messaging.find(ask.method, ask.path)
        if found is None:
            return tenant_failed(404, 30003, "ResourceNotFound")
        return found[0](self.books, ask, **found[1])

    def _marketing(self, token: str) -> bool:
        return self.books.marketing_tokens.get(token, 0.0) > self.world.now()

    def _support_token(self, ask: Ask) -> Answer:
        form = dict(ask.form)
        grant = form.get("grant_type", "")
        check = {"client_credentials": self._client, "password": self._password, JWT_BEARER: self._assertion}.get(grant)
        if check is None:
            return answer(400, {"error": "unsupported_grant_type", "error_description": "grant type not supported"})
        check(ask, form)
        token = f"00Demulated!{self.world.number():08d}"
        self.books.support_tokens.add(token)
        return answer(200, {"access_token": token, "instance_url": ask.base_url, "id": f"{ask.base_url}/id/00D/005",
                            "token_type": "Bearer", "issued_at": str(int(self.world.now() * 1000)),
                            "signature": "emulated"})

    def _client(self, ask: Ask, form: Mapping[str, str]) -> None:
        id, secret = ask.basic if ask.basic[0] else (form.get("client_id", ""), form.get("client_secret", ""))
        if id != credentials.SALESFORCE_CLIENT_ID:
            raise _oauth("invalid_client_id", "client identifier invalid")
        if secret != credentials.SALESFORCE_CLIENT_SECRET:
            raise _oauth("invalid_client", "invalid client credentials")

    def _password(self, ask: Ask, form: Mapping[str, str]) -> None:
        self._client(ask, form)
        password = credentials.SALESFORCE_PASSWORD + credentials.SALESFORCE_SECURITY_TOKEN
        if (form.get("username"), form.get("password")) != (credentials.SALESFORCE_USERNAME, password):
            raise _oauth("invalid_grant", "authentication failure")

    def _assertion(self, _ask: Ask, form: Mapping[str, str]) -> None:
        """Signed by the key that was seeded; where none was, only its claims are looked at."""
        options = {"verify_signature": bool(self.books.public_key), "verify_aud": False, "verify_exp": False}
        try:
            claims = jwt.decode(form.get("assertion", ""), self.books.public_key, algorithms=["RS256"], options=options)  # type: ignore[arg-type]
        except jwt.InvalidTokenError as error:
            raise _oauth("invalid_grant", f"invalid assertion: {error}") from None
        named = (claims.get("iss"), claims.get("sub"))
        if named != (credentials.SALESFORCE_CLIENT_ID, credentials.SALESFORCE_USERNAME):
            raise _oauth("invalid_grant", "user hasn't approved this consumer")
        if not self.world.now() < float(claims.get("exp", 0)) <= self.world.now() + 300:
            raise _oauth("invalid_grant", "expired authorization code")

    def _marketing_token(self, ask: Ask) -> Answer:
        given = ask.json if ask.content_type == "application/json" else dict(parse_qsl(ask.body.decode()))
        if not isinstance(given, dict) or given.get("grant_type") != "client_credentials":
            return answer(400, {"error": "unsupported_grant_type", "error_description": "grant type not supported",
                                "error_uri": ""})
        if (given.get("client_id"), given.get("client_secret")) != (credentials.MC_CLIENT_ID,
                                                                    credentials.MC_CLIENT_SECRET):
            return answer(401, {"error": "invalid_client", "error_description": "Invalid client ID. Use the client ID "
                                "in Marketing Cloud Installed Packages.", "error_uri": ""})
        if str(given.get("account_id", credentials.MC_ACCOUNT_ID)) != credentials.MC_ACCOUNT_ID:
            return answer(400, {"error": "invalid_request", "error_description": "no access to account_id",
                                "error_uri": ""})
        token = f"mc-token-{self.world.number():08d}"
        self.books.marketing_tokens[token] = self.world.now() + LIFETIME
        return answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": TOLD_LIFETIME, "scope": SCOPE,
                            "rest_instance_url": f"{ask.base_url}/", "soap_instance_url": f"{ask.base_url}/"})

    def error(self, status: int) -> Answer:
        """The tenant's error body for a status."""
        if status == 429:
            return answer(429, {"message": "Rate limit exceeded", "errorcode": 50100, "retryAfter": 5})
        return tenant_failed(status, {401: 0, 403: 20000}.get(status, 10000), "refused by the emulator's script")

    def inner_error(self, ask: Ask) -> Answer:
        """A failure inside a success, in the form of the API that was asked."""
        if ask.path.lower() == "/service.asmx":
            return _soap_error()
        if "composite" in ask.path:
            entry = {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain "
                                                   "exclusive access to this record", "fields": []}]}
            number = len((ask.json or {}).get("records", [])) if isinstance(ask.json, dict) else 1
            return answer(200, [entry] * number)
        return answer(202, {"requestId": "emulated", "errorcode": 109001, "responses": [
            {"hasErrors": True, "errorcode": 109121, "message": "refused by the emulator's script",
             "messages": ["InvalidOrMissingToAddress"]}]})

    def state(self) -> Mapping[str, Any]:
        """All objects."""
        return self.books.shown()

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """`list` (id, name), `definition` (key, status), `contact` (email), `public_key` (pem)."""
        books = self.books
        seeds: dict[str, Callable[[], Any]] = {
            "list": lambda: books.lists.update({int(values["id"]): values["name"]}),
            "definition": lambda: books.definitions.update({values["key"]: values.get("status", "Active")}),
            "contact": lambda: books.contacts.update({values["email"].lower(): {
                "Id": values.get("id") or books.id("003"), "Email": values["email"].lower(), "LastName": "Seeded"}}),
            "public_key": lambda: setattr(books, "public_key", values["pem"]),
        }
        return seeds[what]() if what in seeds else super().seed(what, values)

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """`expire_tokens`: no token of either system is good any more."""
        if name != "expire_tokens":
            return super().command(name, values)
        number = len(self.books.support_tokens) + len(self.books.marketing_tokens)
        self.books.support_tokens.clear()
        self.books.marketing_tokens.update(dict.fromkeys(self.books.marketing_tokens, 0.0))
        return number

    def reset(self) -> None:
        """Back to what exists by rule; tokens are void."""
        super().reset()
        self.books.reset()


def _oauth(error: str, description: str) -> Refused:
    return Refused(answer(400, {"error": error, "error_description": description}))


def _soap_error() -> Answer:
    whole = fault("x").body.decode()
    body = ('<CreateResponse xmlns="http://exacttarget.com/wsdl/partnerAPI"><Results><StatusCode>Error</StatusCode>'
            "<StatusMessage>refused by the emulator's script</StatusMessage><OrdinalID>0</OrdinalID>"
            "<ErrorCode>12002</ErrorCode></Results><OverallStatus>Error</OverallStatus></CreateResponse>")
    start, end = whole.index("<soap:Fault>"), whole.index("</soap:Fault>") + len("</soap:Fault>")
    return Answer(200, (whole[:start] + body + whole[end:]).encode(), (("Content-Type", "text/xml; charset=utf-8"),))
