"""BACKWARD_TRANSITIVE: the current schema of each record reads what every earlier version wrote."""

import io
import json

import fastavro
import fastavro.utils
import pytest

from processor.avro.schemas import RECORDS, folder, parse, read, records_in, version_files

PLACE = folder()
PROMOTIONS = {("int", "long"), ("int", "double"), ("int", "float"), ("long", "double"), ("long", "float"),
              ("float", "double"), ("string", "bytes"), ("bytes", "string")}


def source(path):
    return json.loads(path.read_text())


def undocumented(part):
    """A schema without what only people read."""
    if isinstance(part, dict):
        return {name: undocumented(one) for name, one in part.items() if name not in ("doc", "personal")}
    return [undocumented(one) for one in part] if isinstance(part, list) else part


def breaks(writer, reader):
    """The rules of schemas/avro/README.md that `reader` breaks towards an earlier `writer`, by field."""
    old = dict(records_in(writer))
    found = []
    for name, record in records_in(reader):
        if name not in old:
            continue
        before = {field["name"]: field for field in old[name]["fields"]}
        after = {field["name"]: field for field in record["fields"]}
        found += [f"{name}.{one}: removed or renamed" for one in before if one not in after]
        found += [f"{name}.{one}: new without a default" for one, field in after.items()
                  if one not in before and "default" not in field]
        found += [f"{name}.{one}: default taken away" for one, field in after.items()
                  if "default" in before.get(one, {}) and "default" not in field]
        found += [f"{name}.{one}: type changed" for one, field in after.items()
                  if one in before and not readable(before[one]["type"], field["type"])]
    return found


def readable(writer, reader):
    """Whether a field's type may have become another."""
    writers, readers = ([kind] if not isinstance(kind, list) else kind for kind in (writer, reader))
    return all(any(matches(one, other) for other in readers) for one in writers)


def matches(writer, reader):
    """Whether one type that is no union may have become another."""
    if isinstance(writer, dict) and isinstance(reader, dict) and writer["type"] == reader["type"]:
        if writer["type"] == "record":
            return writer["name"] == reader["name"]
        inner = "items" if writer["type"] == "array" else "values"
        return readable(writer[inner], reader[inner])
    return writer == reader or (isinstance(writer, str) and isinstance(reader, str) and (writer, reader) in PROMOTIONS)


def resolves(writer, reader, count=50):
    """Whether data of `writer` can be read by `reader`."""
    written, wanted = parse(writer).parsed, parse(reader).parsed
    try:
        for one in fastavro.utils.generate_many(written, count):
            stream = io.BytesIO()
            fastavro.schemaless_writer(stream, written, one)
            stream.seek(0)
            fastavro.schemaless_reader(stream, written, wanted)
    except (fastavro.read.SchemaResolutionError, ValueError, TypeError):
        return False
    return True


EARLIER = [(record, path) for record in RECORDS for path in version_files(record, PLACE)]


@pytest.mark.parametrize(("record", "path"), EARLIER, ids=lambda one: getattr(one, "name", one))
def test_the_current_schema_reads_what_an_earlier_version_wrote(record, path):
    current = source(PLACE / f"{record}.avsc")
    assert breaks(source(path), current) == []
    assert resolves(source(path), current)


@pytest.mark.parametrize("record", RECORDS)
def test_the_current_schema_is_the_newest_version(record):
    # A change without a version of its own could not be told from what was written before it.
    newest = version_files(record, PLACE)[-1]
    assert undocumented(source(PLACE / f"{record}.avsc")) == undocumented(source(newest)), \
        f"copy {record}.avsc to versions/{record}.v{len(version_files(record, PLACE)) + 1}.avsc"


@pytest.mark.parametrize("record", RECORDS)
def test_versions_are_numbered_without_a_gap_and_differ(record):
    files = version_files(record, PLACE)
    assert [path.name for path in files] == [f"{record}.v{number}.avsc" for number in range(1, len(files) + 1)]
    assert len({read(path).fingerprint for path in files}) == len(files)


def test_the_folder_holds_nothing_else():
    names = {path.name for path in PLACE.glob("*.avsc")}
    assert names == {f"{record}.avsc" for record in RECORDS}
    assert set((PLACE / "versions").iterdir()) == {path for _, path in EARLIER}


class TestTheCheckItself:
    """It must be able to fail: each change that the rules forbid is found, each that they allow is not."""

    def changed(self, change):
        later = source(PLACE / "UserAttributes.avsc")
        change({field["name"]: field for field in later["fields"]}, later["fields"])
        return source(PLACE / "UserAttributes.avsc"), later

    def test_a_new_field_with_a_default_is_allowed(self):
        old, new = self.changed(lambda _, fields: fields.append({"name": "x", "type": "string", "default": ""}))
        assert breaks(old, new) == []
        assert resolves(old, new)

    def test_a_new_field_without_a_default_is_found(self):
        old, new = self.changed(lambda _, fields: fields.append({"name": "x", "type": "string"}))
        assert breaks(old, new) == ["UserAttributes.x: new without a default"]
        assert not resolves(old, new)

    def test_a_renamed_field_is_found(self):
        old, new = self.changed(lambda named, _: named["user_id"].update(name="customer_id"))
        assert breaks(old, new) == ["UserAttributes.user_id: removed or renamed",
                                    "UserAttributes.customer_id: new without a default"]

    def test_another_type_is_found(self):
        old, new = self.changed(lambda named, _: named["time"].update(type="string"))
        assert breaks(old, new) == ["UserAttributes.time: type changed"]
        assert not resolves(old, new)

    def test_a_wider_type_is_allowed(self):
        old, new = self.changed(lambda named, _: named["time"].update(type=["null", "double"], default=None))
        assert breaks(old, new) == []
        assert resolves(old, new)

    def test_a_narrower_union_is_found(self):
        old, new = self.changed(lambda named, _: named["attributes"]["type"].update(values=["null", "string"]))
        assert breaks(old, new) == ["UserAttributes.attributes: type changed"]

    def test_a_default_that_is_taken_away_is_found(self):
        # Two versions later a writer without the field would be unreadable.
        old, new = self.changed(lambda named, _: named["source"].pop("default"))
        assert breaks(old, new) == ["UserAttributes.source: default taken away"]
