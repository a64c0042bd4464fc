"""Secrets from Vault: the same tests against its API emulated and, by `make test-vendors`, against a real server."""

import os
from pathlib import Path

import pytest

from processor.config.errors import SecretError
from processor.config.vault import Access, Vault
from testkit.vault import JWT, ROOT, TEAM, binary, emulated_vault, real_vault


@pytest.fixture(scope="module", params=["emulated", pytest.param("real", marks=pytest.mark.vendor)])
def server(request):
    if request.param == "emulated":
        with emulated_vault() as running:
            yield running
        return
    packages = [Path(one) for one in os.environ.get("TESTKIT_VENDOR_PACKAGES", "").split(os.pathsep) if one]
    program = binary(*(one.parents[2] / "bin" for one in packages))
    if program is None:
        pytest.skip("neither bao nor vault is on this machine; `make test-vendors` installs one")
    with real_vault(program) as running:
        yield running


@pytest.fixture(scope="module")
def emulated():
    with emulated_vault() as running:
        yield running


def vault(server, **more):
    return Vault(Access(**{"address": server.address, "token": ROOT, **more}))


def refusal(reader, name):
    with pytest.raises(SecretError) as found:
        reader.read(name)
    return str(found.value)


@pytest.mark.parametrize(("name", "value"), [
    ("secret/data/stripe#api_key", "sk_from_vault"), ("/secret/data/stripe#api_key", "sk_from_vault"),
    ("old/stripe#api_key", "sk_from_version_1"),
])
def test_a_field_of_either_version_of_the_engine_is_read(server, name, value):
    assert vault(server).read(name) == value


def test_a_namespace_has_its_own_secrets(server):
    assert vault(server, namespace=TEAM).read("secret/data/stripe#api_key") == "sk_of_the_team"


def test_a_program_signs_in_with_its_role(server):
    reader = vault(server, token="", login="approle", role=server.role, secret_id=server.secret_id)
    assert reader.read("secret/data/stripe#api_key") == "sk_from_vault"


def test_a_role_that_is_refused_is_told_without_its_secret(server):
    told = refusal(vault(server, token="", login="approle", role=server.role, secret_id="hunter22"),
                   "secret/data/stripe#api_key")
    assert "sign-in by approle" in told
    assert "hunter22" not in told


@pytest.mark.parametrize(("name", "words"), [
    ("secret/data/stripe#key", "vault:secret/data/stripe has no field 'key'; it has: api_key, empty, number"),
    ("secret/data/stripe#empty", "vault:secret/data/stripe#empty is empty"),
    ("secret/data/stripe#number", "vault:secret/data/stripe#number is no text"),
    ("secret/data/nothing#key", "vault:secret/data/nothing: there is nothing at http"),
    ("secret/stripe#key", "in a KV engine of version 2 the path has /data/ in it"),
    ("secret/data/stripe", "write vault:secret/data/path#field"),
    ("#key", "write vault:secret/data/path#field"),
])
def test_what_leads_nowhere_says_why_and_never_a_value(server, name, words):
    told = refusal(vault(server), name)
    assert words in told
    assert "sk_from_vault" not in told


def test_a_token_that_is_refused_is_told_without_it(server):
    told = refusal(vault(server, token="hunter22"), "secret/data/stripe#api_key")
    assert "refuses it (403)" in told
    assert "hunter22" not in told


def test_a_server_that_is_sealed_is_told(emulated):
    assert "sealed or down (503)" in refusal(vault(emulated), "down/x#key")


def test_a_kubernetes_account_signs_in(emulated, tmp_path):
    (tmp_path / "jwt").write_text(JWT + "\n")
    reader = vault(emulated, token="", login="kubernetes", role="reader", jwt_file=tmp_path / "jwt")
    assert reader.read("secret/data/stripe#api_key") == "sk_from_vault"
    told = refusal(vault(emulated, token="", login="kubernetes", role="reader", jwt_file=tmp_path / "none"), "a/b#c")
    assert f"{tmp_path / 'none'} cannot be read: No such file" in told


@pytest.mark.parametrize(("access", "words"), [
    (Access(token="x"), "set secrets.vault.address, or VAULT_ADDR"),
    (Access(address="http://127.0.0.1:9"), "set secrets.vault.token, or VAULT_TOKEN"),
    (Access(address="http://127.0.0.1:9", login="approle"), "set secrets.vault.role"),
    (Access(address="http://127.0.0.1:9", token="x"), "no connection"),
])
def test_what_is_not_set_up_says_what_to_set(access, words):
    assert words in refusal(Vault(access), "secret/data/stripe#api_key")


def test_what_was_read_is_kept_shortly(emulated):
    now = [0.0]
    reader = Vault(Access(address=emulated.address, token=ROOT, keep=30), clock=lambda: now[0])
    emulated.calls.clear()
    reader.read("secret/data/stripe#api_key")
    refusal(reader, "secret/data/stripe#key")
    assert len(emulated.calls) == 1
    now[0] = 30
    reader.read("secret/data/stripe#api_key")
    assert len(emulated.calls) == 2


def test_nothing_secret_shows_in_what_is_printed():
    assert "hunter22" not in repr(Access(address="https://v", token="hunter22", secret_id="hunter22"))
