"""Letters written out: whole, or as lists show them; personal data only where it may be."""

import csv
import io
import json

import fastavro
import pytest

from processor.dead_letters.exporting import export
from processor.dead_letters.selection import Selection
from testkit.letters import failed_binding, letter_of, unread


def written(filled, form, **more):
    out = io.BytesIO()
    count = export(filled.index, Selection(), form, out, **more)
    return count, out.getvalue()


@pytest.fixture
def two(filled):
    filled.put(letter_of("e1"), unread(value=b"\xff\xfe"))
    return filled


def test_json_lines_hold_all_of_a_letter(two):
    count, data = written(two, "json")
    found = {one["event_id"]: one for one in map(json.loads, data.splitlines())}
    assert count == 2
    assert found["e1"]["failures"][0]["exchange"]["request_body"] == "coupon=SAVE20"
    assert found[""]["origin"]["value"] == {"base64": "//4="}


def test_personal_data_can_be_left_out(two):
    for form in ("json", "csv"):
        _, data = written(two, form, hide=True)
        assert b"u1" not in data


def test_a_table_holds_what_lists_show_and_no_formulas(filled):
    filled.put(letter_of("e1", failed_binding(code="=1+1")))
    _, data = written(filled, "csv")
    (row,) = csv.DictReader(io.StringIO(data.decode()))
    assert (row["event"], row["code"], row["action"]) == ("e1", "'=1+1", "apply_coupon")


def test_avro_is_read_back_as_it_was(two):
    count, data = written(two, "avro")
    found = list(fastavro.reader(io.BytesIO(data)))
    assert count == len(found) == 2
    assert {one["event_id"] for one in found} == {"e1", ""}
    with pytest.raises(ValueError, match="byte for byte"):
        written(two, "avro", hide=True)
