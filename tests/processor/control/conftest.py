"""An app's config folder whose connectors talk to the emulators, and the command run in it."""

import pytest
import yaml
from click.testing import CliRunner

from connectors.kit.catalogue import catalogue
from processor.cli.main import main
from testkit.vendors import settings as emulated
from testkit.vendors.server import VendorServer


@pytest.fixture(scope="session")
def server():
    with VendorServer() as running:
        yield running


@pytest.fixture
def control(server):
    control = server.control()
    control.reset(seed=0)
    return control


@pytest.fixture
def site(server, control, tmp_path):
    """Writes an app `shop` with the named connectors; `changed` replaces single settings."""

    class Site:
        folder = tmp_path / "config"
        environ = {**emulated.environment(), "PROMPT_ACTIONS_CONFIG_FOLDER": str(tmp_path / "config")}

        def write(self, *connectors, app="shop", prompts=None, inactive=(), changed=None):
            place = self.folder / "apps" / app
            place.mkdir(parents=True, exist_ok=True)
            addons = [name for name, one in catalogue().items() if one.addon]
            files = {"app": {"title": "Shop", "addons": addons}, "prompts": prompts or {}}
            files["connectors"] = {
                name: {"active": name not in inactive,
                       "settings": {**emulated.referring(name, server.base_url), **(changed or {}).get(name, {})}}
                for name in connectors}
            for name, content in files.items():
                (place / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))

        def run(self, *arguments, **environ):
            return CliRunner().invoke(main, list(arguments), env={**self.environ, **environ})

    return Site()
