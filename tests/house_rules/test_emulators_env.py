"""What docker compose tells the processor about the emulators is what the emulators are."""

import subprocess
import sys


def test_the_file_with_the_emulators_credentials_is_of_today(pytestconfig):
    """It is written by a script; a credential that changed would make every call of the compose example fail."""
    root = pytestconfig.rootpath
    script = [sys.executable, ".ci/emulators-env.py"]
    made = subprocess.run(script, cwd=root, capture_output=True, text=True, check=True)
    assert (root / "deploy" / "emulators.env").read_text() == made.stdout, "run `make deploy/emulators.env`"
