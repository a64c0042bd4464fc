"""`company.yaml` of a config folder: the company where configuration is files."""

from __future__ import annotations

from pathlib import Path

from processor.access.company import Company, company_of
from processor.config import documents
from processor.config.errors import ConfigErrors

FILE = "company.yaml"


def load_company(folder: Path) -> Company:
    """The company of a config folder, without members where there is no such file.

    Raises ConfigErrors with every mistake and its line.
    """
    path = folder / FILE
    if not path.exists():
        return Company()
    document, errors = documents.read(path)
    if errors:
        raise ConfigErrors(errors)
    return company_of(document)
