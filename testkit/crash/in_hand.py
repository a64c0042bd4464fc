"""The one call that a process was writing to its socket when it was made to stand still.

Between libcurl's last question whether to send and the write itself lie some microseconds. A process that is halted
there, by a thread of its own or from outside, writes when it goes on, and no program can keep itself from that
(docs/guarantees.md). Such a call is told by name, so that every other one of a zombie is still an error.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import pycurl

from connectors.kit.http import Signed
from processor.http.curl_call import CurlCall

SIZE = 4096


def note(path: Path) -> None:
    """Keep the URL of the last call that was let go in a file, which outlives whatever happens to the process.

    By a write to shared memory: a write to a file would let another thread run, and halt the process, before it.
    """
    path.write_bytes(bytes(SIZE))
    with path.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), SIZE)
    urls: dict[int, bytes] = {}
    prepare, ask = CurlCall.prepare, CurlCall.about_to_send

    def prepared(call: CurlCall, signed: Signed, *args: Any, **more: Any) -> None:
        urls[id(call)] = signed.url.encode()[:SIZE - 1]
        prepare(call, signed, *args, **more)

    def asked(call: CurlCall, *addresses: object) -> int:
        answer = ask(call, *addresses)
        if answer == pycurl.PREREQFUNC_OK:
            shared[:] = urls[id(call)].ljust(SIZE, b"\0")
        return answer

    CurlCall.prepare = prepared  # type: ignore[method-assign, assignment]
    CurlCall.about_to_send = asked  # type: ignore[method-assign, assignment]


def noted(path: Path) -> str:
    """The URL of that call; empty where there was none."""
    return path.read_bytes().rstrip(b"\0").decode() if path.exists() else ""
