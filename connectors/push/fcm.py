"""Firebase Cloud Messaging: notifications to the user's Android, Apple and web devices, HTTP v1 API.

Reference: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

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
    Unavailable,
    any_of,
    failure,
    field,
    post,
    retry_after,
    segment,
)
from connectors.kit.device import NAMED_HELP, Device, DeviceEnd, check_size, custom_data, devices, to_each
from connectors.kit.fields import refuse
from connectors.kit.google import (
    TOKEN_URL,
    service_account,
    service_account_problem,
    service_account_token,
    token_url_problem,
)
from connectors.kit.hosts import host_problem, test_hosts_field
from connectors.kit.http import address, header_lines
from connectors.kit.prompt import Texts

BASE_URL = "https://fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
SEND = "/messages:send"
"""Below the project, which only the signer knows: it stands in the key file."""
TOKENS, OLD_TOKENS = "push_endpoints_fcm", "push_endpoints_gcm"
"""Attributes that hold the user's registration tokens; GCM is what FCM was called before."""
MAX_PAYLOAD = 4096
NO_TOPIC = "prompt-actions-connection-test"
"""A topic that nobody subscribes to."""
AFTER_QUOTA, AFTER_ERROR = 60.0, 10.0
"""Seconds that Google asks to wait at least where it sends no Retry-After."""
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
MALFORMED = "registration token is not a valid"
"""What Google says of a token that it never gave out."""
WRONG_APNS_KEY = "THIRD_PARTY_AUTH_ERROR"
UNREGISTERED = frozenset({"UNREGISTERED", "SENDER_ID_MISMATCH"})


class FcmSettings(Settings):
    """A service account of the Firebase project."""

    service_account_json: SecretStr = field(
        "Service account key (JSON upload)",
        help="The whole key file: Firebase console > Project settings > Service accounts > Generate new private key."
             " The account needs the right cloudmessaging.messages.create, as the role Firebase Cloud Messaging API"
             " Admin has it.",
    )
    base_url: str = field("API base URL", default=BASE_URL, help="Leave as it is.")
    token_url: str = field("OAuth token URL", default=TOKEN_URL, public=True, help="Leave as it is.")
    allow_test_hosts: bool = test_hosts_field()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        wrong = {
            "service_account_json": service_account_problem(self.service_account_json),
            "base_url": host_problem(self.base_url, ("fcm.googleapis.com",), test_hosts=self.allow_test_hosts),
            "token_url": token_url_problem(self.token_url, test_hosts=self.allow_test_hosts),
        }
        refuse({name: why for name, why in wrong.items() if why})
        return self


def access_token(settings: FcmSettings, now: float) -> TokenFlow:
    """An access token that may send messages and nothing else."""
    return (yield from service_account_token(settings.service_account_json, SCOPE, now, settings.token_url))


def signer(settings: FcmSettings) -> Sign:
    """The access token, the host, and the project of the key file."""
    project = segment(service_account(settings.service_account_json).project_id)
    base = f"{settings.base_url.rstrip('/')}/v1/projects/{project}"

    def sign(request: Request, context: SignContext) -> Signed:
        """Add project and token."""
        held = context.token.value if context.token else ""
        lines = header_lines(request, (f"Authorization: Bearer {held}",))
        return Signed(request.method, address(base, request), lines, request.body)

    return sign


def _details(response: Response, kind: str) -> Mapping[str, Any]:
    """The detail of this type in Google's error body."""
    found = response.member("error", "details")
    rows = found if isinstance(found, list) else []
    return next((one for one in rows if isinstance(one, dict) and one.get("@type") == kind), {})


def code_of(response: Response) -> str:
    """FCM's own error code, else Google's status; "" where there is neither. The token endpoint has a word alone."""
    error = response.member("error")
    word = error if isinstance(error, str) else response.member("error", "status")
    return str(_details(response, FCM_ERROR).get("errorCode") or word or "")


def about_token(response: Response) -> bool:
    """Whether a refusal blames the registration token itself; Google names the member, or says it in words only."""
    rows = _details(response, BAD_REQUEST).get("fieldViolations")
    fields = [one.get("field") for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
    said = str(response.member("error", "message") or "").lower()
    return "message.token" in fields or (response.status == 400 and MALFORMED in said)


def read(_request: Request, response: Response) -> Failure | None:
    """By FCM's code; what concerns one device only goes to the flow, which has others to send to."""
    code = code_of(response)
    if response.ok or code in UNREGISTERED or code == WRONG_APNS_KEY or about_token(response):
        return None
    message = str(response.member("error", "message") or response.member("error_description") or response.text)[:200]
    wait = retry_after(response)
    if response.status == 429:
        return Unavailable(code or "http_429", message, status=429, throttled=True,
                           retry_after=AFTER_QUOTA if wait is None else wait)
    return failure(response, code, message, wait=AFTER_ERROR if wait is None else wait)


def check(_settings: FcmSettings) -> CheckFlow:
    """Let Google judge a message without delivering it."""
    body = {"validateOnly": True, "message": {"topic": NO_TOPIC, "data": {"connection": "test"}}}
    answer = yield post(SEND, json=body, step="check", effect=False)
    parts = str(answer.member("name") or "").split("/")
    return Account(parts[1] if parts[0] == "projects" and len(parts) > 1 else "", "live")


connector = Connector(
    id="fcm", title="Firebase Cloud Messaging", category="push", settings=FcmSettings, signer=signer, read=read,
    tokens={"": access_token}, check=check,
    # 600,000 messages a minute for a project
    limits=Limits(rate=10_000.0, concurrency=100),
    help="Sends push notifications through Firebase to the user's Android, Apple and web devices.",
    docs="https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send", api_version="v1",
    confidence="Not tried against Firebase. Names and values of the notification and of the data count against the"
               " 4,096 bytes of a message, as Google describes it; it may still refuse one that is only just smaller.",
)


def _unreserved(texts: dict[str, str]) -> dict[str, str]:
    taken = sorted(name for name in texts if name in ("from", "message_type", "deep_link", "promo_id")
                   or name.startswith(("google", "gcm")))
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot be set here: Google or the notification itself uses it")
    return texts


def _short(text: str) -> str:
    if len(text.encode()) > 64 or not re.fullmatch(r"[!-~]*", text):
        raise ValueError("is at most 64 letters, digits and signs, without spaces")
    return text


class Message(Params):
    """What the user sees, and how long Firebase tries to show it."""

    title: str = field("Title", min_length=1, help="The first line.")
    body: str = field("Text", min_length=1, help="What the notification says.")
    image_url: str = field("Image", default="", help="Address of a picture; empty for none.")
    deep_link: str = field("Deep link", default="", help="The app gets it in the data as deep_link.")
    silent: bool = field(
        "Data only", default=False, help="Shows nothing: the app gets deep link and custom data, at normal priority."
    )
    priority: Literal["NORMAL", "HIGH"] = field(
        "Android priority", default="HIGH", help="High wakes a sleeping device; for what the user sees at once."
    )
    ttl_seconds: int = field("Keep trying for (seconds)", default=86_400, ge=0, le=2_419_200, help="At most 4 weeks.")
    collapse_key: Annotated[str, AfterValidator(_short)] = field(
        "Collapse key", default="", help="A later message with the same key replaces this one while it waits for the"
                                         " device. Firebase keeps four keys for a device: do not use many.",
    )
    channel_id: str = field(
        "Android notification channel", default="", help="A channel that the app has made; empty: its default."
    )
    data: Annotated[Texts, AfterValidator(_unreserved)] = field(
        "Custom data", default={}, help="For the app, by name: fixed texts, or placeholders such as %first_name%; one"
                                        " that stands for nothing is left out.",
    )


FcmCall = Call[FcmSettings, Message]


def _filled(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", None, {})}


def message(call: FcmCall) -> dict[str, Any]:
    """The message as every device gets it, without its token."""
    params = call.params
    data = _filled(deep_link=params.deep_link, promo_id=call.event.prompt_id) | custom_data(call, params.data)
    if params.silent:
        return {"data": data, "android": _android(call, "NORMAL")}
    return {
        "notification": _filled(title=params.title, body=params.body, image=params.image_url), "data": data,
        # the tag makes a repeat replace the notification on an Android device, as the collapse id does on Apple's
        "android": {**_android(call, params.priority),
                    "notification": _filled(channelId=params.channel_id, tag=call.key())},
        "apns": {"headers": {"apns-collapse-id": params.collapse_key or call.key()},
                 "payload": {"aps": {"sound": "default"}}},
    }


def _android(call: FcmCall, priority: str) -> dict[str, Any]:
    return _filled(priority=priority, ttl=f"{call.params.ttl_seconds}s", collapseKey=call.params.collapse_key)


def counted(message: Mapping[str, Any]) -> bytes:
    """What counts of a message: names and values of its notification and its data."""
    texts = {**message.get("notification", {}), **message["data"]}
    return "".join(f"{name}{value}" for name, value in texts.items()).encode()


@connector.action(
    "send_push", "Send push notification", params=Message, requires=any_of(TOKENS, OLD_TOKENS),
    # Firebase recognises no repeats. The tag makes a repeat replace the notification on the device, but the user may
    # be alerted twice.
    repeat=Repeat.NEVER,
    help=f"To each of the user's devices: the attribute {TOKENS} (or {OLD_TOKENS}) holds their registration tokens, one"
         f" or a list. {NAMED_HELP} Where an answer is lost, a person decides; sent again, the notification replaces"
         " itself on the device.",
)
def send_push(call: FcmCall) -> Flow:
    """One message to each device; it is done if Firebase takes one of them."""
    found, body = devices(call, TOKENS, OLD_TOKENS), message(call)
    check_size(counted(body), MAX_PAYLOAD)
    return (yield from to_each(found, lambda device: _to(device, body), _end))


def _to(device: Device, body: Mapping[str, Any]) -> Request:
    sent = orjson.dumps({"message": {"token": device.token, **body}})
    return post(SEND, body=sent, content_type="application/json", step=f"device_{device.name}", kept=True)


def _end(device: Device, response: Response) -> DeviceEnd:
    if response.ok:
        return DeviceEnd(device, "sent", str(response.member("name") or ""))
    code = code_of(response)
    # the project's key for Apple or the web is wrong: the token is good, and Android devices are served
    return DeviceEnd(device, "refused" if code == WRONG_APNS_KEY else "unregistered", reason=code)
