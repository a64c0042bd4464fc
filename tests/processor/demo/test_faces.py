"""Faces: plain lines are bounded and hold every failure; the picture fits where it is shown."""

import io

import pytest
from rich.console import Console

from processor.demo.face import View, took
from processor.demo.lines import MOST_FAILURES, Lines
from processor.demo.pulse import Pulse
from processor.demo.screen import CHAIN_EVERY, Screen
from processor.demo.tally import Tally


def view(at=1.0, **pulse):
    return View("users answer", at, Tally(None), Pulse(**pulse), "embedded broker 127.0.0.1:1", "http://127.0.0.1:2")


def failed(make_result, number):
    return make_result(f"e-{number}", outcome="failed", reason="rejected", message="No such coupon")


def test_every_failure_is_a_line_with_its_reason(make_result, make_letter):
    lines = []
    face = Lines(lines.append)
    for number in range(5):
        face.heard(0.1, failed(make_result, number))
    face.heard(0.2, make_letter(readable=False))
    assert sum("rejected: No such coupon" in line for line in lines) == 5
    assert "prompt.interactions 3:33" in lines[-1]


def test_lines_are_bounded_however_much_fails_or_succeeds(make_result):
    lines = []
    face = Lines(lines.append)
    for number in range(MOST_FAILURES * 3):
        face.heard(1.0, failed(make_result, number))
        face.heard(1.0, make_result(f"s-{number}"))
    assert len(lines) <= MOST_FAILURES + 3


def test_the_first_success_of_a_kind_is_always_shown(make_result):
    lines = []
    face = Lines(lines.append)
    for binding in ("stripe.apply_coupon", "stripe.apply_coupon", "zendesk.create_ticket"):
        face.heard(1.0, make_result(binding=binding))
    assert len(lines) == 2


def test_a_circuit_that_opens_and_closes_is_told():
    lines = []
    face = Lines(lines.append)
    for circuits in ((), ("zendesk",), ("zendesk",), ()):
        face.turn(view(circuits=circuits))
    assert [line.split("  ")[-1].split(":")[0] for line in lines] == [
        "users answer", "metrics http", "circuit of zendesk opened", "circuit of zendesk closed"]


def test_where_the_metrics_are_is_told_once_while_they_are_there():
    lines = []
    face = Lines(lines.append)
    for address in ("", "http://127.0.0.1:2", "http://127.0.0.1:2"):
        face.turn(view()._replace(address=address))
    assert [line.split("  ")[-1] for line in lines if "metrics" in line] == ["metrics http://127.0.0.1:2/metrics"]


def test_text_of_vendors_cannot_steer_the_terminal(make_result):
    lines = []
    Lines(lines.append).heard(1.0, make_result(outcome="failed", reason="rejected", message="a\x1b[2Jb\nc"))
    assert "\x1b" not in lines[0]
    assert "\n" not in lines[0]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_the_picture_fits_and_holds_chains_failures_and_sums(make_result, width, height):
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None)
    face = Screen(console)
    for number in range(30):
        face.heard(1.0, failed(make_result, number))
    face.note(1.0, "zendesk goes down")
    face.turn(view(CHAIN_EVERY, parked=12, circuits=("zendesk",), waits={("zendesk", "circuit"): 12}))
    drawn = console.render_lines(face._picture(view(2.0, parked=12, circuits=("zendesk",))), console.options)
    face.close()
    text = ["".join(segment.text for segment in line) for line in drawn]
    assert len(text) == height
    assert {len(line) for line in text} == {width}
    whole = "\n".join(text)
    for word in ("stripe.apply_coupon", "failed", "No such coupon", "parked 12", "zendesk goes down"):
        assert word in whole


def test_what_never_began_has_no_duration(make_result):
    assert took(make_result()) == "42 ms"
    assert took(make_result(started_at=0)) == ""
    assert took(make_result(outcome="skipped")) == ""
