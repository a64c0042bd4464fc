"""The server runs in a thread or beside this process, and is steered from outside."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys

import pytest

from processor.config.own import load_settings
from testkit.vendors import Control, ControlError, VendorServer
from testkit.vendors.credentials import environment


def test_health_and_addresses_are_told(server, control):
    about = control.about()
    assert about["vendors"]["stripe"] == server.url("stripe")
    assert about["credentials"]["STRIPE_BASE_URL"] == server.url("stripe")


def test_an_unknown_vendor_is_named_with_those_that_there_are(caller):
    got = caller("strpe")("GET", "/v1")
    assert got.status == 404
    assert "stripe" in got.json["error"]


def test_requests_are_kept_with_headers_and_body(caller, control):
    caller("custom_api", X_Extra="yes")("POST", "/hook?a=1", data={"user_id": "ann"})
    (seen,) = control.requests("custom_api")
    assert (seen.method, seen.path, seen.query, seen.json) == ("POST", "/hook", "a=1", {"user_id": "ann"})
    assert seen.headers["x-extra"] == "yes"
    assert control.taken()["custom_api"] == 1


def test_reset_forgets_everything(caller, control):
    caller("custom_api")("POST", "/hook", data={})
    control.fault(status=500)
    control.reset()
    assert (control.ledger(), control.requests("custom_api"), control.faults()) == ([], [], [])


def test_the_ledger_is_read_page_by_page(caller, control, monkeypatch):
    monkeypatch.setattr("testkit.vendors.client.PAGE", 2)
    for _ in range(5):
        caller("custom_api")("POST", "/hook", data={})
    assert [one.sequence for one in control.ledger("custom_api")] == [1, 2, 3, 4, 5]


def test_a_mistake_in_a_seed_is_said(control):
    with pytest.raises(ControlError, match="cannot be seeded with 'planet'"):
        control.seed("stripe", "planet", size=1)


def test_nobody_there_is_said_plainly():
    with pytest.raises(ControlError, match="no emulators answer at"):
        Control("http://127.0.0.1:1", timeout=1).about()


def test_a_port_that_is_taken_is_an_error(server):
    with pytest.raises(OSError, match=r"(?i)address already in use"):
        VendorServer(port=server.port).start()


def test_it_runs_in_its_own_process_and_ends_with_stop():
    running = VendorServer(own_process=True)
    with running:
        control = running.control()
        control.wait_ready()
        assert "stripe" in control.about()["vendors"]
    with pytest.raises(ControlError):
        control.about()


def test_the_command_says_when_it_is_ready_and_ends_on_a_signal():
    command = [sys.executable, "-m", "testkit.vendors", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/health")
        assert json.loads(connection.getresponse().read())["status"] == "ok"
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_the_command_prints_an_environment_that_a_shell_reads():
    command = f"set -a; eval \"$('{sys.executable}' -m testkit.vendors --env --prefix SHOP_)\"; env -0"
    printed = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout
    read = dict(line.split("=", 1) for line in printed.split("\0") if line)
    wanted = environment()
    assert {name: read[f"SHOP_{name}"] for name in wanted} == {name: value.strip() for name, value in wanted.items()}
    settings = load_settings({name: value for name, value in read.items() if name.startswith("PROMPT_ACTIONS_")})
    assert settings.overrides["stripe"] == {"base_url": "http://127.0.0.1:8081/stripe", "allow_test_hosts": "true"}
