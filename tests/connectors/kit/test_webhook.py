"""Signatures that any implementation of Standard Webhooks can verify."""

import hmac
from base64 import b64encode
from hashlib import sha256

import pytest

from connectors.kit.webhook import signature_headers, signing_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_covers_id_time_and_body():
    message, timestamp, signature = signature_headers(signing_key(SECRET), "msg_1", 1614265330.9, b'{"test": 1}')
    assert (message, timestamp) == ("webhook-id: msg_1", "webhook-timestamp: 1614265330")
    expected = hmac.new(signing_key(SECRET), b'msg_1.1614265330.{"test": 1}', sha256).digest()
    assert signature == f"webhook-signature: v1,{b64encode(expected).decode()}"


def test_the_published_example_is_met():
    body = b'{"test": 2432232314}'
    headers = signature_headers(signing_key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers[2] == "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_prefix_may_be_left_out():
    assert signing_key(SECRET.removeprefix("whsec_")) == signing_key(SECRET)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_short", "not base64 at all!", "whsec_" + "A" * 200])
def test_what_is_no_secret_is_refused_without_being_repeated(text):
    with pytest.raises(ValueError, match="Base64") as error:
        signing_key(text)
    assert not text or text not in str(error.value).replace("whsec_", "", 1) or text == "whsec_"
