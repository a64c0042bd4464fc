"""docker-compose.yml and Dockerfile: what cannot be seen from a run on a machine that has the image already."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("prompt-actions")}


def test_the_image_is_built_by_one_service_only() -> None:
    assert [name for name, one in OURS.items() if "build" in one] == ["topics"]


def test_the_other_services_wait_for_the_one_that_builds_and_never_ask_a_registry() -> None:
    for name in OURS.keys() - {"topics"}:
        assert OURS[name]["pull_policy"] == "never", name
        assert "topics" in OURS[name]["depends_on"], name


def test_health_is_asked_at_the_port_that_a_service_opens() -> None:
    for name, one in OURS.items():
        for port in (entry.rpartition(":")[2] for entry in one.get("ports", ())):
            assert f":{port}/" in " ".join(one["healthcheck"]["test"]), name


def test_the_image_tells_every_port_of_its_own_commands() -> None:
    told = next(line.split()[1:] for line in DOCKERFILE.splitlines() if line.startswith("EXPOSE"))
    opened = {entry.rpartition(":")[2] for one in OURS.values() if "entrypoint" not in one
              for entry in one.get("ports", ())}
    assert set(told) == opened


def test_the_builder_is_sent_whatever_the_image_copies() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in DOCKERFILE.splitlines() if line.startswith("COPY") and "--from" not in line
              for name in line.split()[1:-1]}
    assert copied == sent


def test_who_may_sign_in_never_goes_into_the_image() -> None:
    assert "config/company.yaml" in (ROOT / ".dockerignore").read_text().splitlines()
