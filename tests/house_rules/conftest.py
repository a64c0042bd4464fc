"""Says at the end of every run which functions are the longest, so that growth is seen before it hurts."""

import pytest

LONGEST = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(LONGEST, []):
        terminalreporter.write_line(line)


@pytest.fixture
def say_at_the_end(pytestconfig: pytest.Config):
    return pytestconfig.stash.setdefault(LONGEST, []).append
