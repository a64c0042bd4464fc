"""Rows of a file: each becomes a change, or says why not; and reading goes on from any row's end."""

import io

import pytest

from processor.attributes import Layout, RowsError
from processor.attributes.rows import LONGEST, rows

CSV = Layout("shop", "csv", time=5)
JSONL = Layout("shop", "jsonl", time=5)


def read(text, layout=CSV, start=0, line=1):
    return list(rows(io.BytesIO(text if isinstance(text, bytes) else text.encode()), layout, start, line))


def reason(text, layout=CSV):
    [row] = [one for one in read(text, layout) if one.change is None]
    return row.reason


def test_columns_are_attributes_and_empty_cells_change_nothing():
    first, second = read("user_id,plan,city\nu1,gold,Graz\nu2,,Linz\n")
    assert first.change == ("shop", "u1", "merge", {"plan": "gold", "city": "Graz"}, 5, "import")
    assert second.change.attributes == {"city": "Linz"}


def test_a_column_can_hold_json():
    [row] = read('user_id,age:=,tags:=\nu1,41,"[""a"",""b""]"\n')
    assert row.change.attributes == {"age": 41, "tags": ["a", "b"]}


def test_a_line_break_inside_quotation_marks_belongs_to_its_row():
    first, second = read('user_id,note\nu1,"two\nlines"\nu2,one\n')
    assert first.change.attributes == {"note": "two\nlines"}
    assert (first.line, second.line) == (2, 4)


def test_a_byte_order_mark_and_windows_line_ends_are_taken():
    [row] = read(b"\xef\xbb\xbfuser_id,plan\r\nu1,gold\r\n")
    assert row.change.attributes == {"plan": "gold"}


@pytest.mark.parametrize("layout", [CSV, JSONL], ids=["csv", "jsonl"])
def test_reading_goes_on_behind_any_row(layout):
    text = 'user_id,note\nu1,"a\nb"\nu2,x\n\nu3,y\n' if layout is CSV else "".join(
        f'{{"user_id": "u{one}", "attributes": {{}}}}\n' for one in range(4))
    whole = read(text, layout)
    assert len(whole) >= 3
    for at, row in enumerate(whole):
        again = read(text, layout, row.end, row.line + row.text.count(b"\n"))
        assert again == whole[at + 1:]


def test_a_json_line_may_say_its_own_mode_and_time():
    [row] = read('{"user_id":"u1","attributes":{"a":null},"mode":"replace","time":9}', JSONL)
    assert (row.change.mode, row.change.time, row.change.attributes) == ("replace", 9, {"a": None})


@pytest.mark.parametrize(("text", "says"), [
    ("user_id,plan\nu1\n", "has 1 cells; there are 2 columns"),
    ("user_id,plan\n,gold\n", "user_id: is empty"),
    ("user_id,age:=\nu1,old\n", "age: is no JSON"),
    (b"user_id,plan\nu1,\xff\n", "is no UTF-8 text"),
    ('user_id,plan\nu1,"go"ld\n', "expected after"),
])
def test_a_bad_csv_row_says_why(text, says):
    assert says in reason(text)


@pytest.mark.parametrize(("text", "says"), [
    ("{", "is no JSON"), ("[1]", "is no object"), ('{"user":"u1"}', "'user' is no member; allowed: attributes"),
    ('{"user_id":"u1"}', "attributes: is missing"), ('{"user_id":"u1","attributes":{"a":{}}}', "attributes.a: is dict"),
    ('{"user_id":"u1","attributes":{},"mode":"add"}', "mode: is 'add'"),
])
def test_a_bad_json_row_says_why(text, says):
    assert says in reason(text, JSONL)


def test_a_row_that_is_too_long_is_rejected_and_those_behind_it_are_read():
    rejected, good = read(b"user_id,plan\nu1," + b"x" * (LONGEST * 2) + b"\nu2,gold\n")
    assert "longer" in rejected.reason
    assert good.change.user_id == "u2"
    assert good.line == 3


@pytest.mark.parametrize(("header", "says"), [
    ("", "must name the columns"), ("id,plan\n", "one of them user_id"), ("user_id,a,a\n", "'a' is there twice"),
    ("user_id,\n", "has no name"),
])
def test_a_header_that_cannot_be_used_is_told_at_once(header, says):
    with pytest.raises(RowsError, match=says):
        read(header)
