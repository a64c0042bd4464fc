"""Salesforce's two sign-ins: settings by group, flows that get tokens, the function that signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import SecretStr, model_validator

from connectors.kit import Broken, Misconfigured, Request, Settings, Sign, SignContext, Signed, TokenFlow, field, post
from connectors.kit.auth import bearer, client_credentials, client_credentials_form, private_key_problem, signed_jwt
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.soap import leaf, with_header

SUPPORT, MARKETING, SOAP = "support", "marketing", "marketing_soap"
"""Realms. Marketing Cloud's REST and SOAP have a token each, so that each knows the host that its answer named."""

HOSTS: Mapping[str, Sequence[str]] = {
    "support_login_url": (".salesforce.com",),
    "mc_base_url": (".rest.marketingcloudapis.com",),
    "mc_auth_base_url": (".auth.marketingcloudapis.com",),
    "mc_soap_base_url": (".soap.marketingcloudapis.com",),
}
SHARED_LOGINS = ("login.salesforce.com", "test.salesforce.com")
COMMON = ("support_login_url", "support_client_id")
SUPPORT_NEEDS: Mapping[str, Sequence[str]] = {
    "client_credentials": (*COMMON, "support_client_secret"),
    "jwt_bearer": (*COMMON, "support_username", "support_private_key"),
    "password_legacy": (*COMMON, "support_client_secret", "support_username", "support_password"),
}
MARKETING_NEEDS = ("mc_client_id", "mc_client_secret", "mc_base_url", "mc_auth_base_url", "mc_soap_base_url")
DEFAULTED = ("support_auth_flow", "support_api_version")
NONE = SecretStr("")
ASSERTION_LIFE = 180
EARLY = 120.0
"""Seconds before its end (of twenty minutes) at which Marketing Cloud's token is renewed."""


class SalesforceSettings(Settings):
    """Sign-in to Support, to Marketing Cloud, or to both; a group is filled in whole or left empty."""

    support_auth_flow: Literal["client_credentials", "jwt_bearer", "password_legacy"] = field(
        "Support: sign-in flow", default="client_credentials", group=SUPPORT,
        help="Salesforce is withdrawing password_legacy, the flow by user name and password",
    )
    support_login_url: str = field(
        "Support: My Domain URL", default="", group=SUPPORT, placeholder="https://<MyDomain>.my.salesforce.com",
        help="jwt_bearer and password_legacy may also use https://login.salesforce.com or https://test.salesforce.com",
    )
    support_client_id: str = field(
        "Support: Client ID", default="", group=SUPPORT, help="consumer key of an external client app"
    )
    support_client_secret: SecretStr = field(
        "Support: Client secret", default=NONE, group=SUPPORT, help="not used by jwt_bearer"
    )
    support_username: str = field(
        "Support: Username", default="", group=SUPPORT, help="for jwt_bearer and password_legacy"
    )
    support_password: SecretStr = field(
        "Support: Password", default=NONE, group=SUPPORT, help="for password_legacy"
    )
    support_security_token: SecretStr = field(
        "Support: Security token", default=NONE, group=SUPPORT, help="for password_legacy; goes behind the password"
    )
    support_private_key: SecretStr = field(
        "Support: JWT private key (PEM)", default=NONE, group=SUPPORT, help="for jwt_bearer"
    )
    support_api_version: str = field(
        "Support: API version", default="v66.0", group=SUPPORT, pattern=r"^v\d{2,3}\.0$", help="such as v66.0"
    )
    mc_client_id: str = field(
        "Marketing Cloud: Client ID", default="", group=MARKETING,
        help="Setup > Apps > Installed Packages > API integration, server-to-server",
    )
    mc_client_secret: SecretStr = field("Marketing Cloud: Client secret", default=NONE, group=MARKETING,
                                        help="beside the client id of the same package")
    mc_from_email: str = field(
        "Marketing Cloud: From email address", default="", group=MARKETING,
        help="for triggered send definitions only; transactional sends take the sender of their definition",
    )
    mc_base_url: str = field(
        "Marketing Cloud: Base URL (REST)", default="", group=MARKETING,
        placeholder="https://<tenant>.rest.marketingcloudapis.com/", help="stands in the same package",
    )
    mc_auth_base_url: str = field(
        "Marketing Cloud: Auth base URL", default="", group=MARKETING,
        placeholder="https://<tenant>.auth.marketingcloudapis.com/", help="stands in the same package",
    )
    mc_soap_base_url: str = field(
        "Marketing Cloud: SOAP base URL", default="", group=MARKETING,
        placeholder="https://<tenant>.soap.marketingcloudapis.com/", help="stands in the same package",
    )
    mc_account_id: str = field(
        "Marketing Cloud: business unit MID", default="", group=MARKETING, pattern=r"^\d*$",
        help="left empty: the business unit in which the integration was made",
    )
    allow_test_hosts: bool = test_hosts_field()

    @property
    def has_support(self) -> bool:
        """Whether the Support group is filled in."""
        return self._begun("support_")

    @property
    def has_marketing(self) -> bool:
        """Whether the Marketing Cloud group is filled in."""
        return self._begun("mc_")

    def _begun(self, prefix: str) -> bool:
        names = (name for name in type(self).model_fields if name.startswith(prefix) and name not in DEFAULTED)
        return any(self._filled(name) for name in names)

    def _filled(self, name: str) -> bool:
        value = getattr(self, name)
        return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.has_support and not self.has_marketing:
            raise ValueError("fill in the fields of Support (support_...), of Marketing Cloud (mc_...), or of both")
        refuse({**self._foreign(), **self._unreadable(), **self._absent()})
        return self

    def _unreadable(self) -> dict[str, str]:
        """The key of a sign-in that needs one, where it can sign nothing."""
        if self.support_auth_flow != "jwt_bearer" or not self._filled("support_private_key"):
            return {}
        why = private_key_problem(self.support_private_key, "RS256")
        return {"support_private_key": why} if why else {}

    def _absent(self) -> dict[str, str]:
        flow = self.support_auth_flow
        support = SUPPORT_NEEDS[flow] if self.has_support else ()
        marketing = MARKETING_NEEDS if self.has_marketing else ()
        lacking = {name: f"is required for Support with {flow}" for name in support if not self._filled(name)}
        lacking.update({name: "is required for Marketing Cloud" for name in marketing if not self._filled(name)})
        return lacking

    def _foreign(self) -> dict[str, str]:
        filled = {name: getattr(self, name) for name in HOSTS if self._filled(name)}
        found = {name: host_problem(url, HOSTS[name], test_hosts=self.allow_test_hosts) for name, url in filled.items()}
        shared = urlsplit(self.support_login_url).hostname in SHARED_LOGINS
        if shared and self.support_auth_flow == "client_credentials":
            found["support_login_url"] = "must be the My Domain URL: client_credentials works on no other host"
        return {name: why for name, why in found.items() if why}


def support_token(settings: SalesforceSettings, now: float) -> TokenFlow:
    """A token for Support; its answer names no end, so that only a 401 tells."""
    request = _support_request(settings, now)
    token = client_credentials(request, now, address_member="instance_url")
    return (yield from _at_home(token, settings, "support_login_url"))


def marketing_token(settings: SalesforceSettings, now: float) -> TokenFlow:
    """A token for Marketing Cloud's REST API."""
    token = _marketing_token(settings, now, "rest_instance_url")
    return (yield from _at_home(token, settings, "mc_base_url"))


def soap_token(settings: SalesforceSettings, now: float) -> TokenFlow:
    """A token for Marketing Cloud's SOAP API."""
    token = _marketing_token(settings, now, "soap_instance_url")
    return (yield from _at_home(token, settings, "mc_soap_base_url"))


def _at_home(flow: TokenFlow, settings: SalesforceSettings, name: str) -> TokenFlow:
    """The token of `flow`, unless its answer would lead credentials to a foreign host."""
    token = yield from flow
    problem = host_problem(token.base_url, HOSTS[name], test_hosts=settings.allow_test_hosts) if token.base_url else ""
    if problem:
        raise Misconfigured("foreign_host", f"the address in the sign-in's answer {problem}")
    return token


def _support_request(settings: SalesforceSettings, now: float) -> Request:
    url = settings.support_login_url.rstrip("/") + "/services/oauth2/token"
    if settings.support_auth_flow == "jwt_bearer":
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        form = {"grant_type": grant, "assertion": _assertion(settings, now)}
        return post(url, form=form, step="token", effect=False)
    if settings.support_auth_flow == "client_credentials":
        return client_credentials_form(url, settings.support_client_id, settings.support_client_secret)
    secret = settings.support_password.get_secret_value() + settings.support_security_token.get_secret_value()
    form = {"grant_type": "password", "client_id": settings.support_client_id,
            "client_secret": settings.support_client_secret.get_secret_value(),
            "username": settings.support_username, "password": secret}
    return post(url, form=form, step="token", effect=False)


def _assertion(settings: SalesforceSettings, now: float) -> str:
    host = urlsplit(settings.support_login_url).hostname or ""
    sandbox = ".sandbox." in host or host == "test.salesforce.com"
    claims = {"iss": settings.support_client_id, "sub": settings.support_username,
              "aud": f"https://{'test' if sandbox else 'login'}.salesforce.com", "exp": int(now) + ASSERTION_LIFE}
    return signed_jwt(settings.support_private_key, claims, algorithm="RS256")


def _marketing_token(settings: SalesforceSettings, now: float, address_member: str) -> TokenFlow:
    body = {"grant_type": "client_credentials", "client_id": settings.mc_client_id,
            "client_secret": settings.mc_client_secret.get_secret_value()}
    if settings.mc_account_id:
        body["account_id"] = settings.mc_account_id
    request = post(settings.mc_auth_base_url.rstrip("/") + "/v2/token", json=body, step="token", effect=False)
    return client_credentials(request, now, early=EARLY, address_member=address_member)


def signer(settings: SalesforceSettings) -> Sign:
    """Puts a realm's token onto its requests: a header for REST, an element of the envelope for SOAP."""
    homes = {
        SUPPORT: settings.support_login_url, MARKETING: settings.mc_base_url, SOAP: settings.mc_soap_base_url,
    }

    def sign(request: Request, context: SignContext) -> Signed:
        """Add host and token; the host that the token's answer named goes before the settings'."""
        token = context.token
        if token is None:
            raise Broken("no_token", f"no token was got for a request of the realm '{request.realm}'")
        url = address((token.base_url or homes[request.realm]).rstrip("/"), request)
        if request.realm == SOAP:
            credentials = leaf("fueloauth", token.value).replace(">", ' xmlns="http://exacttarget.com">', 1)
            return Signed("POST", url, header_lines(request), with_header(request.body or b"", credentials))
        lines = [f"Authorization: {bearer(token.value)}", "Accept: application/json"]
        return Signed(request.method, url, header_lines(request, lines), request.body)

    return sign
