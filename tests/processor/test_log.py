"""Logs: one form, nothing secret, a steady sample."""

import io
import json
import logging

import pytest
import structlog
from pydantic import SecretStr

from processor.log import HIDDEN, LIBRDKAFKA, EventLog, EventName, configure, redact, sampled

EVENT = EventName("shop", "evt_1", 2)


@pytest.fixture
def lines():
    """Configure JSON logs into memory; gives the function that reads them."""
    stream = io.StringIO()
    configure("json", "info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [one for one in root.handlers if getattr(one, "ours", False)]:
        root.removeHandler(handler)
    root.setLevel(logging.WARNING)


def test_a_failed_event_is_one_line_with_what_a_person_needs(lines):
    EventLog().failed(EVENT, connector="stripe", action="apply_coupon", reason="rejected", code="no_such_coupon",
                      message="No such coupon", status=404, request_id="req_1")  # fmt: skip
    (line,) = lines()
    expected = {"event": "event failed", "level": "warning", "app": "shop", "event_id": "evt_1", "run": 2,
                "connector": "stripe", "action": "apply_coupon", "reason": "rejected", "code": "no_such_coupon",
                "message": "No such coupon", "status": 404, "request_id": "req_1"}  # fmt: skip
    assert expected.items() <= line.items()
    assert line["time"].endswith("Z")


def test_a_success_is_logged_for_the_sample_only_and_its_fields_are_asked_only_then(lines):
    asked = []

    def say():
        asked.append(1)
        return {"bindings": 1}

    log = EventLog(0.1)
    for number in range(1000):
        log.succeeded(EventName("shop", f"evt_{number}"), say)
    assert 50 < len(lines()) < 150
    assert len(asked) == len(lines())
    assert lines()[0]["bindings"] == 1


def test_the_sample_is_the_same_in_every_process():
    chosen = [event for event in map(str, range(1000)) if sampled(event, 0.02)]
    assert chosen == [event for event in map(str, range(1000)) if sampled(event, 0.02)]
    assert not sampled("x", 0.0)
    assert sampled("x", 1.0)


@pytest.mark.parametrize(
    "name",
    ["password", "api_key", "apiKey", "client_secret", "Authorization", "access_token",
     "set_cookie", "sasl_password", "user_id", "email_address", "phone", "attributes"],
)  # fmt: skip
def test_a_telling_name_hides_its_value(name):
    assert redact(None, "", {name: "s3cret"})[name] == HIDDEN


def test_names_that_tell_nothing_keep_their_values():
    line = {"event": "x", "key": "k", "connector": "stripe", "count": 3, "monkey": "m", "ok": None}
    assert redact(None, "", dict(line)) == line


def test_what_looks_like_an_address_or_a_credential_is_hidden_wherever_it_is():
    said = {"message": "No customer jane.doe+x@mail.example.com", "deep": [{"a": "Bearer abcdefghij"}]}
    line = redact(None, "", said)
    assert line == {"message": f"No customer {HIDDEN}", "deep": [{"a": HIDDEN}]}


def test_secret_types_and_secrets_inside_are_hidden():
    line = redact(None, "", {"value": SecretStr("s3cret"), "inner": {"x": {"token": "s3cret"}, "y": (SecretStr("z"),)}})
    assert "s3cret" not in str(line)
    assert line["inner"]["y"] == [HIDDEN]


def test_a_structure_without_end_does_not_hang_the_log():
    loop = {}
    loop["again"] = loop
    assert redact(None, "", {"loop": loop})


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_local_variables(form):
    stream = io.StringIO()
    configure(form, "info", stream)
    try:
        local = "s3cret-" + "in-a-local"
        raise RuntimeError("broke")  # noqa: TRY301
    except RuntimeError:
        structlog.get_logger().exception("bug", size=len(local))
        logging.getLogger("some.library").exception("bug")
    structlog.reset_defaults()
    assert stream.getvalue().count("RuntimeError: broke") == 2
    assert "s3cret-in-a-local" not in stream.getvalue()


def test_the_lines_of_libraries_come_out_in_the_same_form(lines):
    logging.getLogger(LIBRDKAFKA).warning("broker %s is down, password=%s", "b1", "hidden elsewhere")
    logging.getLogger("x").error("mail to jane@example.com")
    first, second = lines()
    assert (first["logger"], first["level"]) == (LIBRDKAFKA, "warning")
    assert first["event"].startswith("broker b1 is down")
    assert second["event"] == f"mail to {HIDDEN}"


def test_lines_below_the_level_are_not_written(lines):
    structlog.get_logger().debug("small")
    logging.getLogger("x").debug("small")
    logging.getLogger("urllib3.connectionpool").warning("GET /path?token=1")
    assert lines() == []


def test_configuring_twice_does_not_double_the_lines(lines):
    stream = io.StringIO()
    configure("json", "info", stream)
    logging.getLogger("x").warning("once")
    assert len(stream.getvalue().splitlines()) == 1
    assert lines() == []


def test_what_json_cannot_hold_is_written_as_text(lines):
    structlog.get_logger().info("x", path=object)
    assert "object" in lines()[0]["path"]
