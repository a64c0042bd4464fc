"""What every emulated vendor is: routes, state, and its own words for trouble."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from testkit.vendors.exchange import Answer, Ask, Refused, answer, plain
from testkit.vendors.keys import KeyStore
from testkit.vendors.ledger import Effect, Ledger

DEFAULT_USER_DOMAIN = "@example.com"


class World:
    """What the vendors of one server share: the clock, the ledger, numbers for ids."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ahead = 0.0
        self._numbers: Iterator[int] = itertools.count(1)
        self.ledger = Ledger(self.now)

    def now(self) -> float:
        """Seconds since 1970, by the emulators' clock."""
        return self._clock() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead += seconds

    def number(self) -> int:
        """A number not given before."""
        return next(self._numbers)

    def reset(self) -> None:
        """Begin anew."""
        self._ahead = 0.0
        self._numbers = itertools.count(1)
        self.ledger.clear()


V = TypeVar("V")
Handler = Callable[..., Answer]


class Routes(Generic[V]):
    """Which function serves which method and path; `{name}` stands for one segment."""

    def __init__(self) -> None:
        self._routes: dict[str, list[tuple[re.Pattern[str], Handler]]] = {}

    def on(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Let the decorated function serve this method and path."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

        def register(handler: Handler) -> Handler:
            """Keep the function."""
            self._routes.setdefault(method, []).append((pattern, handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Handler, Mapping[str, str]] | None:
        """The function for a request and the segments of its path."""
        for pattern, handler in self._routes.get(method, ()):
            match = pattern.fullmatch(path)
            if match:
                return handler, {name: plain(value) for name, value in match.groupdict().items()}
        return None

    def methods(self, path: str) -> list[str]:
        """Methods that this path is served for."""
        return [method for method in self._routes if self.find(method, path)]


class Vendor:
    """One emulated vendor; sub-classes say how it answers."""

    name: ClassVar[str] = ""
    keys_live: ClassVar[float] = 86400.0

    def __init__(self, world: World, name: str = "") -> None:
        self.world = world
        self.id = name or self.name
        self.keys = KeyStore(world.now, self.keys_live)

    def handle(self, ask: Ask) -> Answer:
        """Take a request and answer it."""
        try:
            return self.serve(ask)
        except Refused as refused:
            return refused.reply

    def serve(self, ask: Ask) -> Answer:
        """As `handle`; a refusal may be raised."""
        raise NotImplementedError

    def error(self, status: int) -> Answer:
        """The vendor's own error answer for a status."""
        return answer(status, {"error": f"status {status}"})

    def inner_error(self, ask: Ask) -> Answer:
        """The vendor's form of a failure inside a success."""
        return answer(200, {"success": False, "error": "refused by the emulator's script", "path": ask.path})

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        """How the vendor says how long to wait."""
        return {"Retry-After": str(max(0, round(seconds)))}

    def key_of(self, ask: Ask) -> str:
        """The idempotency key of a request under which its answer is kept; empty where there is none."""
        return ask.headers.get("idempotency-key", "")

    def state(self) -> Mapping[str, Any]:
        """What the vendor holds, as JSON."""
        return {}

    def seed(self, what: str, values: Mapping[str, Any]) -> Any:
        """Put something into the state; raises KeyError for what it does not know."""
        raise KeyError(f"{self.id} cannot be seeded with '{what}' ({', '.join(values)})")

    def command(self, name: str, values: Mapping[str, Any]) -> Any:
        """Let something happen at the vendor; raises KeyError for what it does not know."""
        raise KeyError(f"{self.id} has no command '{name}' ({', '.join(values)})")

    def reset(self) -> None:
        """Forget state and keys."""
        self.keys.forget()

    def note(self, kind: str, user: str = "", *, key: str = "", mark: str = "", **detail: Any) -> Effect:
        """Write an effect into the ledger."""
        return self.world.ledger.effect(self.id, kind, user, key=key, mark=mark, **detail)


def user_of(address: str) -> str:
    """The user whom `<user>@example.com` names by rule; empty where no such user exists.

    The rule is exact: an address with capitals belongs to nobody, nor does one whose name begins with `missing`.
    """
    name, at, domain = address.partition("@")
    known = at + domain == DEFAULT_USER_DOMAIN and name and name == name.lower()
    return name if known and not is_missing(name) else ""


def is_missing(name: str) -> bool:
    """Whether a name says that nothing of it exists."""
    return name.startswith("missing")
