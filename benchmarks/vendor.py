"""The vendors that are called: nginx where it can be had, since it costs least; else the test kit's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from testkit.kafka.local import free_port
from testkit.vendors import VendorServer

ECHO = "ngx_http_echo_module.so"
MODULES = (Path("/usr/lib/nginx/modules"), Path("/usr/lib64/nginx/modules"), Path("/usr/share/nginx/modules"))
PACKAGES = ("nginx-light", "libnginx-mod-http-echo")
KINDS = {"at_once": 0, "50ms": 50, "200ms": 200, "errors": 50, "down": 0, "timed": 0, "work": 0}
"""By kind, the milliseconds that an answer takes. `errors`: 2 % are 503, 1 % are 429; `down`: all are 503; `timed`
answers each call with an id of its own, and writes down when it came; `work` takes 0 to 5, by chance."""
ANSWER = '{"id":"ch_0123456789abcdef"}'
CALLS = "calls.log"

_MAIN = """
{module}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    log_format call "$request_id $msec $request_time";
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 600;
    default_type application/json;
    split_clients $request_id $luck {{ 2% 503; 1% 429; * 200; }}
    split_clients $request_id $work {{ 16.67% 0.001; 16.67% 0.002; 16.67% 0.003; 16.66% 0.004; 16.66% 0.005; * 0; }}
    {servers}
    server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}
}}
"""
_SERVER = "server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ {what} }} }}"
_UNLUCKY = (
    'if ($luck = 503) { return 503 "{}"; } if ($luck = 429) { add_header Retry-After 1 always; return 429 "{}"; }'
)


class Vendors(NamedTuple):
    """What listens where."""

    name: str
    urls: dict[str, str]
    status: str = ""
    log: Path | None = None
    """Of the calls that `timed` got: their ids, when they came, what they took."""

    def seen(self) -> int:
        """Requests so far, those of this question included; 0 where nobody counts."""
        if not self.status:
            return 0
        with urllib.request.urlopen(self.status, timeout=5) as answer:  # noqa: S310 - our own server
            return int(answer.read().split()[9])


@contextmanager
def open_vendors(folder: Path) -> Iterator[Vendors]:
    """Vendors until the end of the block."""
    if _have_nginx():
        with _nginx(folder) as vendors:
            yield vendors
    else:
        with VendorServer(own_process=True) as server:
            base = server.url("bench")
            yield Vendors("testkit", {kind: f"{base}/ok?delay_ms={delay}&path=" for kind, delay in KINDS.items()
                                      if kind not in ("errors", "down", "timed", "work")})


def _have_nginx() -> bool:
    if shutil.which("nginx") and _echo():
        return True
    if os.geteuid() or not shutil.which("apt-get"):
        return False
    subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
    subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *PACKAGES], check=False,
                   capture_output=True, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
    return bool(shutil.which("nginx") and _echo())


def _echo() -> Path | None:
    return next((path for folder in MODULES if (path := folder / ECHO).exists()), None)


@contextmanager
def _nginx(folder: Path) -> Iterator[Vendors]:
    ports = {kind: free_port() for kind in (*KINDS, "status")}
    servers = "\n    ".join(_SERVER.format(port=ports[kind], what=_location(kind, delay))
                            for kind, delay in KINDS.items())
    path = folder / "nginx.conf"
    path.write_text(_MAIN.format(module=f"load_module {_echo()};", folder=folder, servers=servers,
                                 status=ports["status"]))
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(path)], stderr=subprocess.DEVNULL)
    urls = {kind: f"http://127.0.0.1:{ports[kind]}" for kind in KINDS}
    vendors = Vendors("nginx", urls, f"http://127.0.0.1:{ports['status']}/", folder / CALLS)
    try:
        _wait(vendors)
        yield vendors
    finally:
        process.terminate()
        process.wait()


def _location(kind: str, delay: int) -> str:
    if kind == "down":
        return 'return 503 "{}";'
    if kind == "timed":
        return f"access_log {CALLS} call buffer=64k flush=200ms; return 200 '{{\"id\":\"$request_id\"}}';"
    if kind == "work":
        return f"echo_sleep $work; echo '{ANSWER}';"
    unlucky = _UNLUCKY if kind == "errors" else ""
    if not delay:
        return f"{unlucky} return 200 '{ANSWER}';"
    return f"{unlucky} echo_sleep {delay / 1000}; echo '{ANSWER}';"


def _wait(vendors: Vendors) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            vendors.seen()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
