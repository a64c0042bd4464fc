"""What `run` says where it cannot go on."""

import pytest
from click.testing import CliRunner

from connectors.kit.errors import Undecodable
from processor.cli.main import main
from processor.service import Service


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "config" / "apps").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("processor.log.configure", lambda *_settings: None)
    return tmp_path


def test_a_changelog_of_a_later_version_is_told_with_what_to_do(folder, monkeypatch):
    """As after a downgrade: an older version must not guess, and its operator must not read a traceback."""
    def restored(_service):
        raise Undecodable("unknown_schema", "no schema has the fingerprint 65 ad")

    monkeypatch.setattr(Service, "run", restored)
    monkeypatch.setattr(Service, "handle_signals", lambda _service: None)
    ended = CliRunner().invoke(main, ["run"])
    assert ended.exit_code == 1
    assert "fingerprint 65 ad" in ended.output
    assert "start the version that wrote it" in ended.output
