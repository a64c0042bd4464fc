"""Of an event that is over, `waiting` says what of it ended."""

from __future__ import annotations

import subprocess
import sys

from processor.engine.chain import EXPORTS
from processor.model.chain import identity
from processor.model.finished import Finished

COMMAND = (sys.executable, "-c", "from processor.cli.main import main; main()", "waiting")


def test_the_end_of_a_chain_and_of_exports_are_told_apart(site):
    for suffix, moment in (("", 1_700_000_000_000), (EXPORTS, 1_700_000_060_000)):
        ids = identity("shop", f"e1{suffix}")
        site.send("finished", (b"", site.codec.encode_finished(Finished(ids, moment))))
    done = subprocess.run([*COMMAND, "--app", "shop", "--event", "e1", "-o", "table"], env=site.environment("shell"),
                          text=True, capture_output=True, check=True, timeout=60)
    assert "its chain ended at 2023-11-14 22:13:20 UTC" in done.stderr
    assert "the last of its exports ended at 2023-11-14 22:14:20 UTC" in done.stderr
