"""`config validate` names every mistake and says when there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from testkit.vendors import example

ROOT = Path(__file__).resolve().parents[3]
COMMAND = Path(sys.executable).parent / "prompt-actions"


def test_the_example_passes_with_the_environment_of_the_emulators(run):
    ran = run("config", "validate", "--folder", str(ROOT / "config"), **example.environment())
    assert ran.code == 0, ran.out
    assert {row["app"] for row in ran.rows} == {"streamly", "dailynews"}
    assert "is sound" in ran.err


def test_the_real_process_prints_one_line_a_mistake_and_ends_with_one(tmp_path):
    app = tmp_path / "apps" / "shop"
    app.mkdir(parents=True)
    (app / "app.yaml").write_text("titel: x\n")
    (app / "connectors.yaml").write_text("strype: {}\n")
    done = subprocess.run([COMMAND, "config", "validate", "--folder", tmp_path, "-o", "table"],
                          capture_output=True, text=True, check=False, env={"PATH": "/usr/bin"}, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0].startswith(f"{app}/app.yaml:1:1 titel: unknown key 'titel' (did you mean 'title'?")
    assert lines[1].startswith(f"{app}/connectors.yaml:1:1 strype: unknown connector 'strype' (did you mean 'stripe'?")
    assert "2 mistakes" in done.stderr


def test_mistakes_come_as_json_lines_where_asked(run, tmp_path):
    ran = run("config", "validate", "--folder", str(tmp_path), "-o", "json")
    assert ran.code == 1
    assert ran.rows[0]["message"] == "there is no such folder"


def test_the_folder_is_that_of_the_settings(run, tmp_path):
    (tmp_path / "elsewhere" / "apps").mkdir(parents=True)
    ran = run("config", "validate", PROMPT_ACTIONS_CONFIG_FOLDER="elsewhere")
    assert ran.code == 0
    assert "elsewhere is sound" in ran.err


def test_mistakes_of_settings_and_of_apps_are_told_together(run, tmp_path):
    (tmp_path / "apps" / "shop").mkdir(parents=True)
    (tmp_path / "apps" / "shop" / "app.yaml").write_text("titel: x\n")
    (tmp_path / "processor.yaml").write_text("grup: x\n")
    ran = run("config", "validate", "--folder", str(tmp_path), "-o", "table")
    assert ran.code == 1
    first, second = ran.out.splitlines()
    assert first.startswith(f"{tmp_path}/processor.yaml:1:1 grup: unknown key 'grup' (did you mean 'group'?")
    assert second.startswith(f"{tmp_path}/apps/shop/app.yaml:1:1 titel: unknown key")


def test_a_folder_that_is_not_there_is_a_usage_error(run):
    assert run("config", "validate", "--folder", "nowhere").code == 2


def test_no_secret_value_is_printed(run):
    environ = example.environment() | {"STREAMLY_STRIPE_API_KEY": "pk_test_hunter22"}
    ran = run("config", "validate", "--folder", str(ROOT / "config"), **environ)
    assert ran.code == 1
    assert "hunter22" not in ran.out + ran.err
