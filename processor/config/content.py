"""Apps as plain data, as stores keep them: compiled, checked and told apart by their digests, without any file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from connectors.kit.catalogue import catalogue
from connectors.kit.connector import Connector
from processor.config import files
from processor.config.compiling import Parts, Raw, compiled
from processor.config.documents import Document, kind, of_data
from processor.config.errors import ConfigError, ConfigErrors, nearest
from processor.config.model import App, Configuration, configuration_of
from processor.config.reading import Overrides, Reading
from processor.config.store import COMPANY, Content

PARTS = ("app", "connectors", "prompts")
MAX_BYTES = 3 << 20
"""Of one content; the topic takes records of 4 MiB."""

CompanyCheck = Callable[[Content | Document], Iterable[ConfigError]]
"""The mistakes in what is kept about the company; those of a document with their lines."""


def _nothing(_content: Content | Document) -> Iterable[ConfigError]:
    return ()


def file_of(name: str, part: str = "") -> str:
    """How mistakes name a part of an app that is no file."""
    told = "the company" if name == COMPANY else f"app {name}"
    return f"{told}, {part}" if part else told


@dataclass(frozen=True, slots=True)
class Compiler:
    """Makes apps of contents, with the secrets, overrides and connectors of one process."""

    environ: Mapping[str, str] = field(repr=False)
    folder: Path = Path("config")
    """From where `file:` references start."""
    overrides: Overrides = field(default_factory=dict)
    known: Mapping[str, Connector] | None = None
    """Stands in for the catalogue of connectors."""
    company: CompanyCheck = _nothing
    lenient: bool = False
    """Whether secrets that cannot be had here are no mistakes."""

    def reading(self) -> Reading:
        """A fresh reading."""
        return Reading(self.folder, self.environ, catalogue() if self.known is None else self.known, self.overrides,
                       lenient=self.lenient)

    def app(self, name: str, content: Content) -> App:
        """The app; raises ConfigErrors with every mistake."""
        return self.app_and_files(name, content)[0]

    def app_and_files(self, name: str, content: Content) -> tuple[App, frozenset[Path]]:
        """The same, with the files that its secrets were read from."""
        reading = self.reading()
        app = compiled(name, parts_of(name, content, reading.errors), reading)[0]
        reading.check()
        return app, frozenset(reading.files)

    def digest(self, name: str, content: Content | None) -> str:
        """The content's digest, which for an app is its version; raises ConfigErrors where it is not sound."""
        if content is None:
            return ""
        if name == COMPANY:
            errors = tuple(self.company(content))
            if errors:
                raise ConfigErrors(errors)
            return digest_of(name, content)
        return self.app(name, content).version

    def alone(self, name: str, content: Content | None) -> Configuration:
        """A configuration of this app and no other, to be compared; of nothing for None, and for the company."""
        return configuration_of({} if content is None or name == COMPANY else {name: self.app(name, content)})

    def configuration(self, contents: Mapping[str, Content]) -> Configuration:
        """All apps; raises ConfigErrors with the mistakes of all."""
        reading = self.reading()
        apps = {name: compiled(name, parts_of(name, one, reading.errors), reading)[0]
                for name, one in contents.items() if name != COMPANY}
        reading.check()
        return configuration_of(apps)


def check_name(name: str) -> None:
    """Raise ConfigErrors where `name` can be no app's."""
    if name != COMPANY and not files.APP_ID.fullmatch(name):
        raise ConfigErrors([ConfigError(file_of(name), 0, 0, "", f"'{name}' is no id of an app",
                                        "letters, digits and _ . - , at most 100, a letter or digit first")])


def plain(name: str, content: Content) -> dict[str, Any]:
    """The content as JSON keeps it, so that nothing can change it from outside; raises ConfigErrors."""
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError) as error:
        raise ConfigErrors([ConfigError(file_of(name), 0, 0, "", f"no plain data: {error}")]) from None
    if size > MAX_BYTES:
        raise ConfigErrors([ConfigError(file_of(name), 0, 0, "", f"larger than {MAX_BYTES >> 20} MiB",
                                        "several apps, or fewer prompts")])
    made: dict[str, Any] = json.loads(text)
    return made


def digest_of(name: str, content: Content) -> str:
    """The digest of a content that need not be sound: that of `App.version` for an app."""
    if name == COMPANY:
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    app, connectors, prompts = (content.get(part) or {} for part in PARTS)
    return Raw(app, connectors, {one: value or {} for one, value in prompts.items()}).digest


def content_of(raw: Raw) -> Content:
    """What an app was made from, as stores keep it."""
    return {"app": dict(raw.app), "connectors": dict(raw.connectors),
            "prompts": {name: dict(one) for name, one in raw.prompts.items()}}


def parts_of(name: str, content: Content, errors: list[ConfigError]) -> Parts:
    """The content as documents; mistakes of its form are noted in `errors`."""
    if not isinstance(content, Mapping):
        errors.append(ConfigError(file_of(name), 0, 0, "", f"expected names with values, found {kind(content)}"))
        content = {}
    errors.extend(ConfigError(file_of(name), 0, 0, str(one), f"unknown part '{one}'", nearest(str(one), PARTS))
                  for one in content if one not in PARTS)
    app, connectors, prompts = (of_data(content.get(part), file_of(name, part)) for part in PARTS)
    return Parts(app, connectors, (prompts,))
