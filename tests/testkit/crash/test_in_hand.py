"""The call that a halted process was writing is known by name afterwards."""

import http.server
import subprocess
import sys
import threading

import pytest

from testkit.crash.in_hand import noted

CALLS = """
import sys
from pathlib import Path
from connectors.kit.http import Signed
from processor.http.curl import CurlTransport
from testkit.crash import in_hand
in_hand.note(Path(sys.argv[1]))
transport = CurlTransport()
for path in sys.argv[3:]:
    transport.start(Signed("POST", sys.argv[2] + path, (), b"{}"), path, timeout=5.0, max_bytes=1000)
    while not transport.wait(5.0):
        pass
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def server():
    """Answers each POST with nothing."""
    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_the_last_call_that_was_let_go_is_told_after_a_kill(server, tmp_path):
    place = tmp_path / "in-hand"
    ended = subprocess.run([sys.executable, "-c", CALLS, str(place), server, "/one", "/two"], check=False, timeout=60)
    assert ended.returncode == -9
    assert noted(place) == server + "/two"


def test_a_process_that_sent_nothing_has_nothing_in_hand(tmp_path):
    assert noted(tmp_path / "in-hand") == ""
