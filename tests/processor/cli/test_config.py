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


def test_mistakes_are_counted_and_nothing_is_said_of_changes(run, tmp_path):
    """`validate` never changes anything, so it has nothing to say about that."""
    (tmp_path / "apps" / "shop").mkdir(parents=True)
    (tmp_path / "apps" / "shop" / "app.yaml").write_text("titel: x\n")
    assert run("config", "validate", "--folder", str(tmp_path)).err == "1 mistake.\n"


def shop(folder, title="Shop", action="take"):
    """A folder with one app."""
    app = folder / "apps" / "shop"
    app.mkdir(parents=True, exist_ok=True)
    (app / "app.yaml").write_text(f"title: {title}\n")
    (app / "connectors.yaml").write_text("custom_api:\n  settings:\n    api_actions:\n"
                                         "      take: {url: https://shop.example/take}\n"
                                         "      leave: {url: https://shop.example/leave}\n")
    (app / "prompts.yaml").write_text("offer:\n  accept:\n    - action: custom_api.call_api\n"
                                      f"      params: {{api_action: {action}}}\n")
    return folder


def test_plan_against_another_folder_needs_no_kafka(run, tmp_path):
    before, after = shop(tmp_path / "a"), shop(tmp_path / "b", action="leave")
    ran = run("config", "plan", "--folder", str(before), "--against", str(after))
    assert ran.code == 0, ran.err
    assert [(one["name"], one["what"], one["before"], one["after"]) for one in ran.rows] == [
        ("offer.accept", "custom_api.call_api: api_action", "take", "leave")]
    assert "1 differences" in ran.err


def test_bindings_come_from_a_table_into_files_and_go_back(run, tmp_path):
    config, table = shop(tmp_path / "config"), tmp_path / "bindings.csv"
    table.write_text("app;prompt;interaction;action;param:api_action\nshop;bye;decline;custom_api.call_api;leave\n")
    ran = run("config", "import", str(table))
    assert ran.code == 0, ran.err
    assert ran.rows == [{"app": "shop", "prompts": 1, "file": "config/apps/shop/prompts/imported.yaml"}]
    assert run("config", "validate").rows[0]["prompts"] == 2
    ran = run("config", "export", "--csv", str(tmp_path / "out.csv"))
    assert ran.code == 0, ran.err
    assert [line.split(",")[:6] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]] == [
        ["shop", "offer", "", "accept", "custom_api", "call_api"],
        ["shop", "bye", "", "decline", "custom_api", "call_api"]]
    assert config.exists()


def test_export_wants_one_place(run, tmp_path):
    shop(tmp_path / "config")
    assert run("config", "export").code == 2
    assert run("config", "export", "--out", "x", "--csv", "-").code == 2
    ran = run("config", "export", "--out", "x", "--app", "shap")
    assert ran.code == 2
    assert "no app 'shap' in config (did you mean 'shop'?" in ran.err


def test_without_a_broker_the_topic_is_told_in_one_line(run, monkeypatch):
    monkeypatch.setattr("processor.kafka.config_topic.LOOK_SECONDS", 0.5)
    ran = run("config", "history", "shop", PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert ran.code == 1
    assert ran.err.startswith("Error: no broker answers: ")
    assert "Traceback" not in ran.err


def test_show_tells_what_is_set_and_by_what(run):
    ran = run("config", "show", PROMPT_ACTIONS_GROUP="shop")
    assert ran.rows == [{"setting": "group", "value": "shop", "origin": "PROMPT_ACTIONS_GROUP"}]
    ran = run("config", "show", "--all")
    assert {"setting": "drain", "value": 40.0, "origin": "default"} in ran.rows
    assert "All settings are as they are by default" in run("config", "show").err
