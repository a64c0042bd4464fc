"""Tokens: shown once, kept as digests, bounded by whoever made them."""

import pytest

from processor.access import Company, Member, Permission, mint, token_allowed, token_of

RANDOM = bytes(range(32))
ADA = Member(email="ada@acme.example", roles={"*": "company_administrator"})


def company(minted, **changes):
    return Company(members=(ADA.model_copy(update=changes), Member(**{**ADA.model_dump(), "email": "bo@acme.example"})),
                   tokens=(minted.token,))


def test_a_token_is_known_by_its_text_and_its_text_is_not_kept():
    minted = mint(RANDOM, [Permission.PUBLISH], ["shop"], now=1)
    assert token_of(company(minted), minted.text, 2) == minted.token
    assert minted.text not in str(minted.token.model_dump())


@pytest.mark.parametrize("text", ["", "pa", "pa__", "pa_x_y", "Bearer x", "\0"])
def test_another_text_is_no_token(text):
    assert token_of(company(mint(RANDOM, [Permission.PUBLISH], ["shop"], now=1)), text, 2) is None


def test_a_token_with_another_secret_is_none():
    minted = mint(RANDOM, [Permission.PUBLISH], ["shop"], now=1)
    assert token_of(company(minted), minted.text[:-1] + "_", 2) is None


def test_a_token_ends_at_its_time():
    minted = mint(RANDOM, [Permission.PUBLISH], ["shop"], now=1, expires=100)
    assert token_of(company(minted), minted.text, 99) is not None
    assert token_of(company(minted), minted.text, 100) is None


def test_a_token_ends_when_its_member_is_disabled():
    minted = mint(RANDOM, [Permission.REPLAY], ["*"], now=1, member=ADA.email)
    assert token_of(company(minted), minted.text, 2) is not None
    assert token_of(company(minted, disabled=True), minted.text, 2) is None


def test_a_token_may_what_its_scopes_and_apps_say():
    minted = mint(RANDOM, [Permission.PUBLISH], ["shop"], now=1)
    assert token_allowed(company(minted), minted.token, Permission.PUBLISH, "shop")
    assert not token_allowed(company(minted), minted.token, Permission.PUBLISH, "news")
    assert not token_allowed(company(minted), minted.token, Permission.PUBLISH, "*")
    assert not token_allowed(company(minted), minted.token, Permission.REPLAY, "shop")


def test_a_token_never_may_more_than_its_member_may_now():
    minted = mint(RANDOM, [Permission.REPLAY], ["*"], now=1, member=ADA.email)
    assert token_allowed(company(minted), minted.token, Permission.REPLAY, "shop")
    assert not token_allowed(company(minted, roles={"shop": "read_only"}), minted.token, Permission.REPLAY, "shop")


def test_too_little_randomness_is_refused():
    with pytest.raises(ValueError, match="32 random bytes"):
        mint(b"short", [Permission.PUBLISH], ["shop"], now=1)
