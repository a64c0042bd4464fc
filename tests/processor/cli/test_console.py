"""`prompt-actions console`: members made on the command line, and the console served as a process of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest
import requests
import yaml
from click.testing import CliRunner

from processor.cli.main import main

PASSWORD = "correct horse battery"
COMMAND = [sys.executable, "-c", "from processor.cli.main import main; main()"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config/apps/shop").mkdir(parents=True)
    (tmp_path / "config/apps/shop/app.yaml").write_text("title: Shop\n")
    return tmp_path


def run(*args, text=""):
    return CliRunner().invoke(main, ["console", *args], input=text)


def test_the_first_member_is_a_company_administrator_with_a_password(folder):
    ended = run("user", "add", "--email", "Anna@example.com", text=f"{PASSWORD}\n")
    assert ended.exit_code == 0, ended.output
    kept = yaml.safe_load((folder / "config/company.yaml").read_text())
    assert kept["members"] == [{"email": "anna@example.com", "roles": {"*": "company_administrator"}}]
    assert kept["accounts"][0]["password"].startswith("$argon2id$")
    assert PASSWORD not in (folder / "config/company.yaml").read_text() + ended.output
    listed = run("user", "list", "-o", "json")
    assert '"anna@example.com"' in listed.output
    assert "argon2" not in listed.output


def test_a_role_is_added_and_a_password_changed_by_the_same_command(folder):
    run("user", "add", "--email", "anna@example.com", text=f"{PASSWORD}\n")
    run("user", "add", "--email", "ben@example.com", "--role", "read_only", "--app", "shop", "--no-password")
    before = yaml.safe_load((folder / "config/company.yaml").read_text())
    assert before["members"][1]["roles"] == {"shop": "read_only"}
    assert len(before["accounts"]) == 1
    run("user", "add", "--email", "anna@example.com", text="another long password\n")
    after = yaml.safe_load((folder / "config/company.yaml").read_text())
    assert after["accounts"][0]["password"] != before["accounts"][0]["password"]


def test_what_looks_like_a_number_is_read_back_as_it_was_typed(folder):
    """YAML 1.1, which its own library writes, takes other texts for numbers than 1.2, by which files are read."""
    for name in ("1e5", "0o17", "0899"):
        ended = run("user", "add", "--email", f"{name}@example.com", "--name", name, "--no-password")
        assert ended.exit_code == 0, ended.output
    kept = yaml.safe_load((folder / "config/company.yaml").read_text())
    assert [one["name"] for one in kept["members"]] == ["1e5", "0o17", "0899"]


@pytest.mark.parametrize(("args", "text", "said"), [
    (["--email", "anna@example.com"], "short\n", "the password is not taken"),
    (["--email", "nonsense"], f"{PASSWORD}\n", "is no e-mail address"),
    (["--email", "a@b.c", "--app", "shop"], f"{PASSWORD}\n", "is a role in the company"),
    (["--email", "a@b.c", "--role", "read_only"], f"{PASSWORD}\n", "nobody could manage members")])
def test_what_is_typed_wrongly_is_told_and_nothing_is_written(folder, args, text, said):
    ended = run("user", "add", *args, text=text)
    assert ended.exit_code == 2
    assert said in ended.output
    assert not (folder / "config/company.yaml").exists()


def test_a_file_that_cannot_be_written_is_named_with_what_to_do(folder):
    (folder / "config/company.yaml").symlink_to(folder / "missing/company.yaml")
    ended = run("user", "add", "--email", "anna@example.com", text=f"{PASSWORD}\n")
    assert ended.exit_code == 1
    assert "company.yaml cannot be written: No such file or directory. Run this where" in ended.output


def test_the_console_is_served_and_lets_its_member_in(folder):
    run("user", "add", "--email", "anna@example.com", text=f"{PASSWORD}\n")
    environ = {**os.environ, "PROMPT_ACTIONS_CONSOLE__PORT": "0", "PROMPT_ACTIONS_CONFIG_SOURCE": "files"}
    with subprocess.Popen([*COMMAND, "console", "--port", "0"], cwd=folder, env=environ, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            address = next(line.split()[-1] for line in process.stdout if "The console: http" in line)
            with requests.Session() as browser:
                page = wait_for(browser, f"{address}/sign-in")
                token = page.split('name="csrf" value="')[1].split('"')[0]
                form = {"csrf": token, "email": "anna@example.com", "password": PASSWORD, "next": "/"}
                answer = browser.post(f"{address}/sign-in", data=form, timeout=10)
                assert answer.status_code == 200
                assert "Connectors of Shop" in answer.text
        finally:
            process.send_signal(signal.SIGTERM)
            rest = process.stdout.read()
    assert process.returncode in (0, -signal.SIGTERM)
    assert PASSWORD not in rest


def wait_for(browser, address):
    end = time.monotonic() + 30
    while True:
        try:
            return browser.get(address, timeout=5).text
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
