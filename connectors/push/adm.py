"""Amazon Device Messaging: notifications to the user's Fire devices.

Reference: https://developer.amazon.com/docs/adm/send-message.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import orjson
from pydantic import AfterValidator, SecretStr, model_validator

from connectors.kit import (
    Account,
    Call,
    CheckFlow,
    Connector,
    Failure,
    Flow,
    Limits,
    Params,
    Repeat,
    Request,
    Response,
    Settings,
    Sign,
    SignContext,
    Signed,
    TokenFlow,
    all_of,
    failure,
    field,
    post,
    segment,
)
from connectors.kit.auth import client_credentials, client_credentials_form
from connectors.kit.device import NAMED_HELP, Device, DeviceEnd, check_size, custom_data, device_name, devices, to_each
from connectors.kit.fields import refuse
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.prompt import Texts

BASE_URL = "https://api.amazon.com"
REGISTRATIONS = "push_endpoints_adm"
"""Attribute that holds the user's registration ids."""
MAX_DATA = 6 * 1024
"""Bytes of the data."""
EARLY = 300.0
"""Seconds before its end at which an access token is renewed."""
NO_DEVICE = "prompt-actions-connection-test"
"""A registration id that no device has."""
TYPES = {
    "X-Amzn-Type-Version": "com.amazon.device.messaging.ADMMessage@1.0",
    "X-Amzn-Accept-Type": "com.amazon.device.messaging.ADMSendResult@1.0",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
UNREGISTERED = frozenset({"InvalidRegistrationId", "Unregistered"})
OURS = frozenset({"title", "body", "image_url", "deep_link"})


class AdmSettings(Settings):
    """The security profile of one app."""

    client_id: str = field(
        "Client ID", min_length=1, placeholder="amzn1.application-oa2-client.…",
        help="Amazon developer console > the app's security profile > Web Settings.",
    )
    client_secret: SecretStr = field("Client Secret", min_length=1,
                                     help="Beside the Client ID in the security profile.")
    base_url: str = field("API base URL", default=BASE_URL, help="Leave as it is.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problem = host_problem(self.base_url, ("api.amazon.com",), test_hosts=self.allow_test_hosts)
        refuse({"base_url": problem} if problem else {})
        return self


def access_token(settings: AdmSettings, now: float) -> TokenFlow:
    """An access token that may send messages."""
    url = f"{settings.base_url.rstrip('/')}/auth/O2/token"
    form = client_credentials_form(url, settings.client_id, settings.client_secret, scope="messaging:push")
    return (yield from client_credentials(form._replace(headers=FORM), now, lifetime=3600.0, early=EARLY))


def signer(settings: AdmSettings) -> Sign:
    """The access token, and the versions of message and answer."""
    base = settings.base_url.rstrip("/")
    constant = ("Accept: application/json", *(f"{name}: {value}" for name, value in TYPES.items()))

    def sign(request: Request, context: SignContext) -> Signed:
        """Add host, versions and token."""
        held = context.token.value if context.token else ""
        lines = header_lines(request, (*constant, f"Authorization: Bearer {held}"))
        return Signed(request.method, address(base, request), lines, request.body)

    return sign


def reason_of(response: Response) -> str:
    """Amazon's word for a refusal, of a message or of a token request; "" where it gives none."""
    return str(response.member("reason") or response.member("error") or "")


def read(_request: Request, response: Response) -> Failure | None:
    """By status; what concerns one device only goes to the flow, which has others to send to."""
    reason = reason_of(response)
    if response.ok or reason in UNREGISTERED:
        return None
    message = str(response.member("error_description") or response.text)[:200]
    return failure(response, reason, message, request_id=response.headers.get("x-amzn-requestid", ""))


def check(settings: AdmSettings) -> CheckFlow:
    """Send to a device that does not exist: only a good token gets as far as being told so."""
    yield post(_path(NO_DEVICE), json={"data": {}}, step="check", effect=False)
    return Account(settings.client_id)


connector = Connector(
    id="adm", title="Amazon Device Messaging", category="push", settings=AdmSettings, signer=signer, read=read,
    tokens={"": access_token}, check=check, limits=Limits(concurrency=50), request_id_header="x-amzn-requestid",
    help="Sends push notifications to the user's Fire devices. The app itself shows them.",
    docs="https://developer.amazon.com/docs/adm/send-message.html", api_version="ADMMessage 1.0",
    confidence="Not tried against Amazon, which names no rate limit and does not say how it counts the 6 KB of a"
               " message: the data is counted as JSON. That a device that does not exist is refused as such, on which"
               " the connection test relies, is documented for registration ids of other senders.",
)


def _foreign(texts: dict[str, str]) -> dict[str, str]:
    taken = sorted(OURS.intersection(texts))
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot be set here: the message itself uses it")
    return texts


class Message(Params):
    """What the app is told to show, and how long Amazon tries to deliver it."""

    title: str = field("Title", min_length=1, help="The app gets title, body, image_url and deep_link as data.")
    body: str = field("Text", min_length=1, help="What the message says.")
    image_url: str = field("Image", default="", help="Address of a picture; empty for none.")
    deep_link: str = field("Deep link", default="", help="Where the app goes when it is tapped; empty: it just opens.")
    priority: Literal["high", "normal"] = field("Priority", default="normal", help="High wakes a sleeping device.")
    expires_after: int = field("Keep trying for (seconds)", default=604_800, ge=60, le=2_678_400,
                               help="How long Amazon keeps it for a device that is away; 604800 is a week.")
    consolidation_key: str = field(
        "Consolidation key", default="", max_length=64, help="A later message with the same key replaces this one"
                                                             " while it waits for the device.",
    )
    data: Annotated[Texts, AfterValidator(_foreign)] = field(
        "Custom data", default={}, help="For the app, by name: fixed texts, or placeholders such as %first_name%; one"
                                        " that stands for nothing is left out.",
    )


AdmCall = Call[AdmSettings, Message]


def message(call: AdmCall) -> bytes:
    """The message as every device gets it."""
    params = call.params
    shown = {"title": params.title, "body": params.body, "image_url": params.image_url, "deep_link": params.deep_link}
    data = {name: value for name, value in shown.items() if value} | custom_data(call, params.data)
    check_size(orjson.dumps(data), MAX_DATA)
    # the key lets Amazon drop a repeat, as long as the first one has not been delivered
    return orjson.dumps({"data": data, "consolidationKey": params.consolidation_key or call.key(),
                         "expiresAfter": params.expires_after, "priority": params.priority})


@connector.action(
    "send_push", "Send push notification", params=Message, requires=all_of(REGISTRATIONS),
    # Amazon recognises no repeats, and consolidates only what still waits for the device.
    repeat=Repeat.NEVER,
    help=f"To each of the user's Fire devices: the attribute {REGISTRATIONS} holds their registration ids, one or a"
         f" list. {NAMED_HELP} A device whose id Amazon has replaced has replaced_by, the digest of the new one."
         " Where an answer is lost, a person decides.",
)
def send_push(call: AdmCall) -> Flow:
    """One message to each device; it is done if Amazon takes one of them."""
    found, body = devices(call, REGISTRATIONS), message(call)
    return (yield from to_each(found, lambda device: _to(device, body), _end))


def _path(registration: str) -> str:
    return f"/messaging/registrations/{segment(registration)}/messages"


def _to(device: Device, body: bytes) -> Request:
    return post(_path(device.token), body=body, content_type="application/json", step=f"device_{device.name}")


def _end(device: Device, response: Response) -> DeviceEnd:
    if not response.ok:
        return DeviceEnd(device, "unregistered", reason=reason_of(response))
    return DeviceEnd(device, "sent", response.headers.get("x-amzn-requestid", ""), more=_replaced(device, response))


def _replaced(device: Device, response: Response) -> Mapping[str, str]:
    """The digest of the registration id by which Amazon knows the device now; the app has it from the device."""
    now = response.member("registrationID")
    return {"replaced_by": device_name(now)} if isinstance(now, str) and now not in ("", device.token) else {}
