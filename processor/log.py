"""Logs: JSON lines or a readable console, without secrets and without personal data."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Literal, NamedTuple, TextIO
from zlib import crc32

import structlog
from pydantic import SecretBytes, SecretStr
from structlog.typing import FilteringBoundLogger, Processor

Format = Literal["auto", "json", "console"]
LIBRDKAFKA = "librdkafka"
"""Name of the standard logger to give to Kafka clients, so that their lines come out here too."""

HIDDEN = "***"
_SECRET_NAME = re.compile(
    r"passw|secret|token|api_?-?key|private_?-?key|authorization|credential|cookie|signature|sasl", re.IGNORECASE
)
_PERSONAL_NAME = re.compile(r"^(user_id|user|email\w*|phone\w*|attributes|body|form_inputs)$", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(\.[\w-]{1,63})+")
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_DEEPEST = 6


def redact(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The second net: whatever was logged by mistake under a telling name, or looks like an address, is hidden.

    The first net is that unsigned requests are all that the engine ever holds.
    """
    for name, value in line.items():
        line[name] = _clean(name, value, 0)
    return line


def _clean(name: str, value: Any, depth: int) -> Any:
    if isinstance(value, (SecretStr, SecretBytes)) or _SECRET_NAME.search(name) or _PERSONAL_NAME.match(name):
        return HIDDEN
    if isinstance(value, str):
        return _BEARER.sub(HIDDEN, _MAIL.sub(HIDDEN, value))
    if depth >= _DEEPEST:
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _clean(str(key), inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean("", inner, depth + 1) for inner in value]
    return value


def configure(form: Format = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs, ours and those of libraries, to `stream` (standard error) in one form."""
    out = sys.stderr if stream is None else stream
    number = logging.getLevelNamesMapping()[level.upper()]
    console = form == "console" or (form == "auto" and out.isatty())
    shared = _shared_processors()
    last = _last_processors(colours=console and out.isatty(), console=console)
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    _take_over_standard_logging(out, number, shared, last)


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]


def _last_processors(*, colours: bool, console: bool) -> list[Processor]:
    # Tracebacks as plain text: the pretty forms print local variables, and those may hold anything.
    as_text: Processor = structlog.processors.format_exc_info
    if console:
        plain = structlog.dev.plain_traceback
        return [as_text, redact, structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]
    return [as_text, redact, structlog.processors.JSONRenderer(default=str)]


def _take_over_standard_logging(
    out: TextIO, number: int, shared: list[Processor], last: list[Processor]
) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, _name_of_logger],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [one for one in root.handlers if getattr(one, "ours", False)]:
        root.removeHandler(old)
    handler.ours = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(number)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its lines below that hold whole paths


def _name_of_logger(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = line.get("_record")
    if isinstance(record, logging.LogRecord):
        line["logger"] = record.name
    return line


def sampled(event_id: str, share: float) -> bool:
    """Whether an event belongs to the `share` that is logged although all went well; always the same answer."""
    return crc32(event_id.encode()) < share * 2**32


class EventName(NamedTuple):
    """By what a log line names an event: nothing that says who the user is."""

    app_id: str
    event_id: str
    run: int = 0


class EventLog:
    """One line for each event that failed, and for a sample of those that went well."""

    def __init__(self, share: float = 0.01, logger: FilteringBoundLogger | None = None) -> None:
        self._share = share
        self._log: FilteringBoundLogger = structlog.get_logger() if logger is None else logger

    def failed(
        self, event: EventName, *, connector: str, action: str, reason: str, code: str, message: str, **more: Any
    ) -> None:
        """Say that an event failed: what, where, why, and what else is known (attempts, status, request id)."""
        self._log.warning(
            "event failed", app=event.app_id, event_id=event.event_id, run=event.run, connector=connector,
            action=action, reason=reason, code=code, message=message[:500], **more,
        )  # fmt: skip

    def succeeded(self, event: EventName, say: Callable[[], Mapping[str, Any]] | None = None) -> None:
        """Say that an event went well, if it is in the sample; `say` gives further fields, asked only then."""
        if not sampled(event.event_id, self._share):
            return
        more = say() if say is not None else {}
        self._log.info("event done", app=event.app_id, event_id=event.event_id, run=event.run, **more)
