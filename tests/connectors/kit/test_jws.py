"""A signed payload is believed for the right reasons only."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.kit.jws import Trust, UntrustedError, fingerprint, is_certificate, payload, verified_payload
from testkit.certificates import Chain, chain, issue

NOW = 1_800_000_000.0
INTERMEDIATE_MARK, LEAF_MARK = "1.2.840.113635.100.6.2.1", "1.2.840.113635.100.6.11.1"
SOUND = chain(now=NOW, intermediate_mark=INTERMEDIATE_MARK, leaf_mark=LEAF_MARK)
TRUST = Trust(fingerprint(SOUND.root.pem), INTERMEDIATE_MARK, LEAF_MARK)
FACTS = {"transactionId": "1", "bundleId": "com.example"}


def refused(token, trust=TRUST, now=NOW):
    with pytest.raises(UntrustedError) as error:
        verified_payload(token, trust, now)
    return str(error.value)


def test_a_sound_chain_is_believed():
    assert verified_payload(SOUND.sign(FACTS), TRUST, NOW) == FACTS


def test_reading_without_checks_needs_no_chain():
    assert payload("e30." + SOUND.sign(FACTS).split(".")[1] + ".xx") == FACTS


def test_another_root_is_refused_even_with_all_marks():
    other = chain(now=NOW, intermediate_mark=INTERMEDIATE_MARK, leaf_mark=LEAF_MARK)
    assert "another root" in refused(other.sign(FACTS))


def test_the_trusted_root_above_a_foreign_chain_is_refused():
    other = chain(now=NOW, intermediate_mark=INTERMEDIATE_MARK, leaf_mark=LEAF_MARK)
    assert "follow" in refused(Chain(other.leaf, other.intermediate, SOUND.root).sign(FACTS))
    assert "follow" in refused(Chain(other.leaf, SOUND.intermediate, SOUND.root).sign(FACTS))


def test_a_leaf_may_not_issue_another_leaf():
    middle = issue("Leaf as issuer", SOUND.root, now=NOW, ca=False, marks=[INTERMEDIATE_MARK])
    leaf = issue("Forged", middle, now=NOW, ca=False, marks=[LEAF_MARK])
    assert "may not issue" in refused(Chain(leaf, middle, SOUND.root).sign(FACTS))


def test_each_mark_must_be_there():
    plain = issue("Plain", SOUND.root, now=NOW)
    leaf = issue("Leaf", plain, now=NOW, ca=False, marks=[LEAF_MARK])
    assert INTERMEDIATE_MARK in refused(Chain(leaf, plain, SOUND.root).sign(FACTS))
    bare = issue("Leaf", SOUND.intermediate, now=NOW, ca=False)
    assert LEAF_MARK in refused(Chain(bare, SOUND.intermediate, SOUND.root).sign(FACTS))


@pytest.mark.parametrize("days", [-2, 400])
def test_certificates_are_valid_in_their_time_only(days):
    assert "not valid at this time" in refused(SOUND.sign(FACTS), now=NOW + days * 86_400)


def test_a_payload_that_was_changed_after_signing_is_refused():
    head, _, signature = SOUND.sign(FACTS).split(".")
    forged = SOUND.sign({**FACTS, "bundleId": "com.other"}).split(".")[1]
    assert "signature" in refused(f"{head}.{forged}.{signature}")


def test_only_es256_counts():
    assert "ES256" in refused("eyJhbGciOiJub25lIn0.e30.")


@pytest.mark.parametrize(("token", "why"), [
    ("", "no compact JWS"), ("a.b", "no compact JWS"), ("a" * 70_000, "no compact JWS"), ("!.!.!", "readable JSON"),
    ("W10.W10.x", "JSON object"), ("eyJhbGciOiJFUzI1NiJ9.e30.x", "three certificates"),
])
def test_what_is_no_signed_payload_is_named(token, why):
    assert why in refused(token)


def test_unreadable_certificates_are_refused():
    import jwt

    token = jwt.encode({}, SOUND.leaf.key, algorithm="ES256", headers={"x5c": ["AAAA", "AAAA", "AAAA"]})
    assert "cannot be read" in refused(token)


def test_a_certificate_is_told_from_other_text():
    assert is_certificate(SOUND.root.pem)
    assert not is_certificate("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----")


@settings(max_examples=300, deadline=None)
@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_no_single_changed_character_gets_through(place, character):
    token = SOUND.sign(FACTS)
    place %= len(token)
    changed = token[:place] + character + token[place + 1:]
    try:
        found = verified_payload(changed, TRUST, NOW)
    except UntrustedError:
        return
    assert found == FACTS  # the last character of a Base64 text carries unused bits
