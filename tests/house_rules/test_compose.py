"""docker-compose.yml: what cannot be seen from a run on a machine that has the image already."""

from pathlib import Path

import yaml

SERVICES = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("prompt-actions")}


def test_the_image_is_built_by_one_service_only() -> None:
    assert [name for name, one in OURS.items() if "build" in one] == ["topics"]


def test_the_other_services_wait_for_the_one_that_builds_and_never_ask_a_registry() -> None:
    for name in OURS.keys() - {"topics"}:
        assert OURS[name]["pull_policy"] == "never", name
        assert "topics" in OURS[name]["depends_on"], name
