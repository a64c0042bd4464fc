"""Keys that seal secrets, so that they can lie in a topic or under version control: AES-256-GCM, several at a time."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Callable, Iterable
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from processor.config.errors import SecretError

SCHEME = "sealed"
KEY_BYTES = 32
NONCE_BYTES = 12
COMMAND = "prompt-actions secrets key"

Random = Callable[[int], bytes]


class Key:
    """One key; its text is Base64 of 32 bytes, its id is made from it."""

    def __init__(self, data: bytes) -> None:
        if len(data) != KEY_BYTES:
            raise SecretError(f"a key has {KEY_BYTES} bytes in Base64; `{COMMAND}` makes one")
        self.id = sha256(b"prompt-actions key id" + data).hexdigest()[:8]
        self._cipher = AESGCM(data)

    def __repr__(self) -> str:
        return f"Key({self.id})"

    def seal(self, nonce: bytes, text: bytes, bound: bytes) -> bytes:
        """`text`, closed; it opens only with the same `bound`."""
        return nonce + self._cipher.encrypt(nonce, text, bound)

    def open(self, data: bytes, bound: bytes) -> bytes:
        """What was sealed; raises InvalidTag or ValueError."""
        return self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], bound)


def new_key(random: Random = os.urandom) -> tuple[str, str]:
    """A key's id and its text."""
    data = random(KEY_BYTES)
    return Key(data).id, urlsafe_b64encode(data).decode()


def key_of(text: str) -> Key:
    """The key of a text; the message of a mistake does not repeat it."""
    try:
        return Key(urlsafe_b64decode(text.strip().encode("ascii").translate(bytes.maketrans(b"+/", b"-_"))))
    except (NoBase64, ValueError) as error:
        if isinstance(error, SecretError):
            raise
        raise SecretError(f"a key is Base64; `{COMMAND}` makes one") from None


class Keyring:
    """All keys: the first one seals, each opens what it sealed.

    What is sealed is bound to an app: it does not open in the configuration of another one.
    """

    def __init__(self, keys: Iterable[Key], random: Random = os.urandom) -> None:
        self._keys = {one.id: one for one in keys}
        self._random = random

    @property
    def ids(self) -> tuple[str, ...]:
        """The keys' ids; the first one seals."""
        return tuple(self._keys)

    def seal(self, text: str, app: str) -> str:
        """A reference that stands for `text` in the configuration of `app`."""
        key = next(iter(self._keys.values()), None)
        if key is None:
            raise SecretError(f"there is no key to seal with: make one with `{COMMAND}` and name it in secrets.keys")
        data = key.seal(self._random(NONCE_BYTES), text.encode(), _bound(key.id, app))
        return f"{SCHEME}:{key.id}:{urlsafe_b64encode(data).decode().rstrip('=')}"

    def open(self, reference: str, app: str) -> str:
        """The text that a reference stands for; raises SecretError, which names key and app and nothing else."""
        name, data = _parts(reference)
        key = self._keys.get(name)
        if key is None:
            raise SecretError(f"it is sealed with the key {name}, which is not among secrets.keys "
                              f"({', '.join(self.ids) or 'none are named'})")
        try:
            return key.open(data, _bound(name, app)).decode()
        except (InvalidTag, ValueError):
            raise SecretError(f"the sealed text was changed, cut, or sealed for another app than '{app}': seal the"
                              f" secret again with `prompt-actions secrets seal --app {app}`") from None

    def rotate(self, reference: str, app: str) -> str:
        """The same secret under the first key; the same reference where it is already."""
        if _parts(reference)[0] == next(iter(self._keys), None):
            return reference
        return self.seal(self.open(reference, app), app)


def _bound(key: str, app: str) -> bytes:
    return f"{SCHEME}\0{key}\0{app}".encode()


def _parts(reference: str) -> tuple[str, bytes]:
    scheme, _, rest = reference.partition(":")
    name, _, text = rest.partition(":")
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NoBase64, ValueError):
        data = b""
    if scheme != SCHEME or not name.isalnum() or len(data) <= NONCE_BYTES:
        raise SecretError(f"no sealed secret; its form is {SCHEME}:<key>:<text>, as `prompt-actions secrets seal`"
                          " prints it")
    return name, data
