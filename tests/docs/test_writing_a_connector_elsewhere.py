"""A stranger does what the page says, line by line: in a copy of the project, and in a package of his own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing-a-connector.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(SHELL,) = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(TOML,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TABLES = {"testkit/vendors/generic.py": "GENERIC: tuple[Row, ...] = (\n",
          "testkit/vendors/settings.py": "ROWS: Mapping[str, Row] = {\n",
          "testkit/catalogue/people.py": "PEOPLE: Mapping[str, tuple[Case, ...]] = {\n"}
"""Where the last three blocks of the page go."""
COPIED = ("connectors", "testkit", "tests/connectors", "tests/integration", "tests/conftest.py", "docs/connectors",
          "config/schemas", "pyproject.toml")
WITHOUT_KAFKA = " -q -p no:cacheprovider -m 'not broker'"
QUICKLY = {"tests/connectors": " -q -p no:cacheprovider -k acme_points", "tests/integration": WITHOUT_KAFKA}
"""What is left out here of the page's lines, by what is in them: other connectors, and Kafka."""


def run(line, folder, first=()):
    """A line of a shell, with our own programs and with the folder's modules before all others."""
    path = os.pathsep.join(map(str, [*first, folder]))
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(["bash", "-euc", line], cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": path, "PATH": places, "PYTHONDONTWRITEBYTECODE": "1"})


def well(line, folder, first=()):
    done = run(line, folder, first)
    assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project with what the page says put where it says."""
    place = tmp_path_factory.mktemp("stranger")
    for name in COPIED:
        there, here = place / name, ROOT / name
        there.parent.mkdir(parents=True, exist_ok=True)
        if here.is_dir():
            shutil.copytree(here, there, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, there)
    for file, text in zip(("connectors/custom/acme_points.py", "tests/connectors/custom/test_acme_points.py"), PYTHON,
                          strict=False):
        (place / file).write_text(text)
    for (file, opening), text in zip(TABLES.items(), PYTHON[2:], strict=True):
        before = (place / file).read_text()
        assert before.count(opening) == 1
        (place / file).write_text(before.replace(opening, opening + text))
    return place


def test_every_line_of_the_page_ends_well(copy):
    for line in SHELL.splitlines():
        well(line + next((more for part, more in QUICKLY.items() if part in line), ""), copy)
    assert '"acme_points"' in (copy / "tests/connectors/lock.json").read_text()
    assert "Give loyalty points" in (copy / "docs/connectors/acme_points.md").read_text()
    assert "acme_points" in (copy / "config/schemas/connectors.schema.json").read_text()


def test_what_the_page_shows_is_in_good_style_and_well_typed(copy):
    well("ruff check connectors/custom/acme_points.py tests/connectors/custom/test_acme_points.py", copy)
    well("mypy connectors/custom/acme_points.py", copy)


def test_its_action_has_one_effect_at_its_emulator_however_often_it_is_done(copy):
    program = """
from connectors.custom.acme_points import connector
from testkit.emulated import Emulated
from testkit.vendors import VendorServer
with VendorServer() as server:
    acme = Emulated(server, connector, {"api_key": "acme-key"})
    for _ in range(2):
        acme.do("give_points", params={"points": 5, "programme_id": "gold"}, attributes={"email_address": "a@b.io"})
    print(acme.kinds, acme.ask(connector.check).name)
"""
    assert well(f"python - <<'END'{program}END", copy).strip() == "['points.given'] Emulated shop"


def test_without_its_case_the_catalogue_names_what_is_missing(copy):
    file = copy / "testkit/catalogue/people.py"
    text = file.read_text()
    file.write_text(text.replace(PYTHON[4], ""))
    done = run(f"python -m pytest tests/integration/test_catalogue.py{WITHOUT_KAFKA}", copy)
    file.write_text(text)
    assert done.returncode == 1
    assert "no Case tells how acme_points.give_points must end" in done.stdout


def test_a_package_of_ones_own_brings_a_connector_that_the_contract_looks_at(tmp_path):
    source, site = tmp_path / "acme", tmp_path / "site"
    source.mkdir()
    (source / "pyproject.toml").write_text(TOML)
    (source / "acme_points.py").write_text(PYTHON[0])
    well(f"python -m pip install --quiet --no-deps --no-build-isolation --disable-pip-version-check --target {site}"
         f" {source}", tmp_path)
    shown = well("prompt-actions connectors show acme_points", tmp_path, [site])
    assert "Give loyalty points" in shown
    told = well(f"python -m pytest -q -p no:cacheprovider {ROOT}/tests/connectors/test_contract.py -k acme_points",
                tmp_path, [site])
    assert int(re.search(r"(\d+) passed", told)[1]) >= 10
