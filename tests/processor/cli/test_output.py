"""Data goes to standard output, talk to standard error, and nothing in data steers a terminal."""

from processor.cli.output import emit, plain, say


def test_control_characters_of_data_do_not_reach_the_terminal():
    assert plain("a\x1b[31mb\x07\u202ec") == "a?[31mb?" + "?c"
    assert plain("two\nlines") == "two\nlines"


def test_values_are_told_plainly():
    assert [plain(one) for one in (None, True, False, ["a", 1], 0)] == ["", "yes", "", "a, 1", "0"]


def test_markup_in_data_is_shown_as_it_is(capsys):
    emit([{"name": "[bold]x[/bold]"}], ("name",), "table")
    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_talk_goes_to_standard_error(capsys):
    say("hello")
    emit([{"a": 1}], ("a",), "json")
    out, err = capsys.readouterr()
    assert (out, err) == ('{"a":1}\n', "hello\n")


def test_an_id_stays_on_one_line_however_narrow_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    row = {"id": "0123456789", "time": "11-24 03:10", **dict.fromkeys("abcdef", "words that take much room")}
    emit([row], ("id", "time", *"abcdef"), "table")
    out = capsys.readouterr().out
    assert "0123456789" in out
    assert "11-24 03:10" in out
    assert len(out.splitlines()[0]) <= 80
