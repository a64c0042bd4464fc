"""The company as it is written down, and what is refused."""

import pytest

from processor.access import Account, Company, Member, Token, company_of, content_of
from processor.config.errors import ConfigErrors

ADA = {"email": "Ada@Acme.example", "name": "Ada", "roles": {"*": "company_administrator"}}
DIGEST = "sha256:" + "0" * 64


def mistakes(content):
    with pytest.raises(ConfigErrors) as found:
        company_of(content)
    return "\n".join(map(str, found.value.errors))


def test_a_company_comes_back_from_its_content_as_it_was():
    company = Company(
        title="Acme", members=(Member(**ADA), Member(email="bo@acme.example", roles={"shop": "app_member"},
                                                     grants={"shop": ["replay"]})),
        tokens=(Token(id="abcd", digest=DIGEST, scopes=["replay", "publish"], apps=["shop"], expires=5),),
        accounts=(Account(email="ada@acme.example", password="$argon2id$v=19$x"),),
    )
    assert company_of(content_of(company)) == company


def test_the_same_rights_are_the_same_content_in_whatever_order_they_were_given():
    def content(*scopes):
        return content_of(Company(tokens=(Token(id="abcd", digest=DIGEST, scopes=scopes, apps=["b", "a"]),)))

    assert content("replay", "publish") == content("publish", "replay", "publish")


def test_nothing_written_is_a_company_without_members():
    assert company_of(None) == company_of({}) == Company()


def test_an_address_is_found_however_it_is_spelled():
    assert company_of({"members": [ADA]}).member("ADA@acme.EXAMPLE").name == "Ada"


@pytest.mark.parametrize(("change", "words"), [
    ({"roles": {"*": "administrator"}}, ["members[0].roles.*", "'administrator' is not allowed", "app_administrator"]),
    ({"roles": {"shop": "company_administrator"}}, ["is a role in the company", "app_administrator for 'shop'"]),
    ({"roles": {"a b": "read_only"}}, ["'a b' is no id of an app"]),
    ({"email": "ada"}, ["'ada' is no e-mail address"]),
    ({"grants": {"*": ["set_secrets"]}}, ["'set_secrets' comes with a role only", "replay"]),
    ({"role": {}}, ["members[0].role", "unknown key 'role'", "roles"]),
    ({"disabled": True}, ["nobody could manage members"]),
])
def test_a_mistake_in_a_member_says_where_and_how_to_mend_it(change, words):
    told = mistakes({"members": [ADA | change]})
    assert [word for word in words if word not in told] == []


@pytest.mark.parametrize(("content", "words"), [
    ({"members": [ADA, ADA]}, "the member 'ada@acme.example' is there twice"),
    ({"accounts": [{"email": "x@y.example", "password": "$argon2id$"}]}, "'x@y.example' has an account"),
    ({"tokens": [{"id": "abcd", "digest": DIGEST, "scopes": [], "apps": ["shop"]}]}, "tokens[0].scopes"),
    ({"tokens": [{"id": "abcd", "digest": DIGEST, "scopes": ["fly"], "apps": ["shop"]}]}, "'fly' is not allowed"),
])
def test_a_mistake_in_the_company_is_told(content, words):
    assert words in mistakes(content)


def test_neither_password_nor_its_hash_is_told_with_a_mistake():
    told = mistakes({"members": [ADA], "accounts": [{"email": "ada@acme.example", "password": "hunter2"}]})
    assert "accounts[0].password" in told
    assert "hunter2" not in told


def test_hashes_are_not_printed():
    assert "argon" not in repr(Account(email="a@b.example", password="$argon2id$v=19$x"))
    assert "sha256" not in repr(Token(id="abcd", digest=DIGEST, scopes=["replay"], apps=["*"]))
