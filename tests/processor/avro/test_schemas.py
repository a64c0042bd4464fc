"""Where schemas are found, and by which fingerprint they are known."""

import json

import fastavro
import pytest

from processor.avro import schemas


def rabin(text):
    """CRC-64-AVRO, written down from the Avro specification."""
    empty = 0xC15D213AA4D7A795
    table = []
    for number in range(256):
        value = number
        for _ in range(8):
            value = (value >> 1) ^ (empty & -(value & 1))
        table.append(value)
    value = empty
    for byte in text.encode():
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value.to_bytes(8, "little")


@pytest.mark.parametrize("record", schemas.RECORDS)
def test_fingerprints_are_those_of_the_specification(record):
    one = schemas.project().current[record]
    canonical = fastavro.schema.to_parsing_canonical_form(dict(one.source))
    assert one.fingerprint == rabin(canonical)


def test_the_fingerprint_is_written_with_its_lowest_byte_first():
    # A known value of the Avro project: 0x7275d51a3f395c8f for "int".
    assert rabin('"int"').hex() == "8f5c393f1ad57572"


def test_docs_and_marks_do_not_change_a_fingerprint():
    source = json.loads(json.dumps(dict(schemas.project().current["Finished"].source)))
    source["fields"][0].update(doc="other", personal=True)
    assert schemas.parse(source).fingerprint == schemas.project().current["Finished"].fingerprint


def test_an_installed_package_brings_its_own_schemas(tmp_path, monkeypatch):
    # Beside site-packages/processor there may lie somebody else's `schemas`.
    module = tmp_path / "processor" / "avro" / "schemas.py"
    (tmp_path / "schemas" / "avro").mkdir(parents=True)
    monkeypatch.setattr(schemas, "__file__", str(module))
    assert schemas.folder() == tmp_path / "schemas" / "avro"
    (tmp_path / "processor" / "_data" / "schemas" / "avro").mkdir(parents=True)
    assert schemas.folder() == tmp_path / "processor" / "_data" / "schemas" / "avro"


def test_no_schemas_at_all_are_an_error_that_says_where_they_were_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(schemas, "__file__", str(tmp_path / "processor" / "avro" / "schemas.py"))
    with pytest.raises(FileNotFoundError, match="install the package again"):
        schemas.folder()


def test_the_tenth_version_comes_after_the_ninth(tmp_path):
    (tmp_path / "versions").mkdir()
    for number in (10, 9, 1):
        (tmp_path / "versions" / f"Finished.v{number}.avsc").touch()
    assert [one.name for one in schemas.version_files("Finished", tmp_path)] == [
        "Finished.v1.avsc", "Finished.v9.avsc", "Finished.v10.avsc"]
