import dataclasses

import pytest

from processor.access import company_errors, company_of
from processor.config.content import Compiler
from processor.config.errors import ConfigErrors
from processor.config.file_store import FileStore
from processor.config.store import COMPANY, ReadOnlyError
from testkit.store_contract import KIOSK


@pytest.fixture
def compiler(folder):
    return Compiler(folder.environ, folder.root, known=folder.known)


def test_files_are_version_zero_and_have_the_digest_that_outcomes_carry(folder, compiler):
    store = FileStore(compiler)
    found = store.current("kiosk")
    assert (found.number, found.digest) == (0, folder.load().apps["kiosk"].version)
    assert store.names() == ("kiosk",)
    assert store.history("kiosk") == (found,)
    assert store.version("kiosk", 0) == found
    assert store.version("kiosk", 1) is None
    assert store.current("booth") is None
    assert store.configuration() == folder.load()


def test_the_same_content_has_the_same_digest_wherever_it_is_kept(folder, compiler):
    folder.write("prompts/more.yaml", "welcome:\n  accept:\n    - action: shop.cancel\n")
    store = FileStore(compiler)
    content = store.current("kiosk").content
    assert compiler.digest("kiosk", content) == folder.load().apps["kiosk"].version
    assert store.compiled("kiosk", content) == folder.load().apps["kiosk"]
    assert set(content["prompts"]) == {"save_offer", "welcome"}


def test_a_folder_without_company_yaml_has_no_company(folder, compiler):
    store = FileStore(compiler)
    assert store.current(COMPANY) is None
    assert store.outline(COMPANY) == store.history(COMPANY) == ()


def test_the_company_is_kept_beside_the_apps_and_is_none_of_them(folder, compiler):
    store = FileStore(dataclasses.replace(compiler, company=company_errors))
    file = folder.root / "company.yaml"
    file.write_text("title: Acme\nmembers:\n- email: ada@acme.example\n  roles: {'*': company_administrator}\n")
    found = store.current(COMPANY)
    assert company_of(found.content).members[0].email == "ada@acme.example"
    assert (found.number, store.version(COMPANY, 0), store.names()) == (0, found, ("kiosk",))
    outline = store.outline(COMPANY)
    file.write_text("title: Other\n")
    assert store.outline(COMPANY) != outline
    assert store.current(COMPANY).content == {"title": "Other"}


def test_mistakes_in_the_company_have_their_lines(folder, compiler):
    file = folder.root / "company.yaml"
    file.write_text("title: Acme\nmembers:\n- email: ada@acme.example\n  rules: {}\n")
    with pytest.raises(ConfigErrors) as found:
        FileStore(dataclasses.replace(compiler, company=company_errors)).current(COMPANY)
    assert f"{file}:4:" in str(found.value)


def test_it_is_read_only(compiler):
    store = FileStore(compiler)
    assert store.read_only
    with pytest.raises(ReadOnlyError, match="change them there"):
        store.apply("kiosk", {}, base=0, by="ann")


def test_mistakes_in_files_have_their_lines(folder, compiler):
    folder.change("prompts.yaml", "shop.cancel", "shop.cancle")
    with pytest.raises(ConfigErrors) as caught:
        FileStore(compiler).current("kiosk")
    assert caught.value.errors[0].line > 0


def test_every_mistake_of_a_plain_content_has_the_same_words_as_in_files(folder, compiler):
    """Only the place differs: a part and no line."""
    content = FileStore(compiler).current("kiosk").content
    content["connectors"]["shop"]["settings"]["api_key"] = "env:NOWHERE"
    content["prompts"]["save_offer"]["accept"][0]["params"]["percent"] = 120
    content["prompts"]["save_offer"]["accept"][2]["id"] = "shop.apply_coupon"
    with pytest.raises(ConfigErrors) as caught:
        compiler.app("kiosk", content)
    assert [str(one) for one in caught.value.errors] == [
        ("app kiosk, connectors shop.settings.api_key: the environment variable NOWHERE is not set"
         " (set it, or mend 'env:NOWHERE')"),
        "app kiosk, prompts save_offer.accept[0].params.percent: must be less than or equal to 100 (Percent)",
        ("app kiosk, prompts save_offer.accept[2].id: two bindings of this chain have the id 'shop.apply_coupon'"
         " (the other is at app kiosk, prompts save_offer.accept[0])"),
    ]


def test_where_secrets_are_elsewhere_all_else_is_still_checked(folder, compiler):
    """Whoever plans and applies need not hold the secrets of those who run it."""
    lenient = dataclasses.replace(compiler, environ={}, lenient=True)
    content = FileStore(lenient).current("kiosk").content
    app = lenient.app("kiosk", content)
    assert app.version == folder.load().apps["kiosk"].version
    assert [one.id for one in app.chain("save_offer", "accept")] == [
        "shop.apply_coupon", "shop.apply_coupon#2", "the-end"]
    content["connectors"]["shop"]["settings"]["regoin"] = "eu"
    content["connectors"]["shop"]["settings"]["api_key"] = "in the clear"
    with pytest.raises(ConfigErrors) as caught:
        lenient.app("kiosk", content)
    assert [one.field for one in caught.value.errors] == ["shop.settings.api_key", "shop.settings.regoin"]


def test_a_secret_that_is_missing_and_checked_by_its_connector_hides_no_binding(compiler):
    folder = dataclasses.replace(compiler, environ={}, known=None, lenient=True)
    app = folder.app("kiosk", KIOSK)
    assert [one.id for one in app.chain("save_offer", "accept")] == ["custom_api.call_api"]


def test_mistakes_of_the_layout_and_in_apps_are_told_together(folder, compiler):
    folder.change("prompts.yaml", "shop.cancel", "shop.cancle")
    (folder.root / "apps" / "no id!").mkdir()
    with pytest.raises(ConfigErrors) as caught:
        FileStore(compiler).configuration()
    told = "\n".join(map(str, caught.value.errors))
    assert "cancle" in told
    assert "no id!" in told
