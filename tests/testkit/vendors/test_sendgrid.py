"""The emulated SendGrid behaves as its card says: 202 and no protection, contacts all or nothing."""

from __future__ import annotations

import pytest

from testkit.vendors import silent_repeats
from testkit.vendors.credentials import SENDGRID_API_KEY, SENDGRID_FROM_EMAIL, SENDGRID_READ_ONLY_KEY
from testkit.vendors.sendgrid import list_id


@pytest.fixture
def sendgrid(caller):
    return caller("sendgrid", Authorization=f"Bearer {SENDGRID_API_KEY}")


def mail(**more):
    return {"personalizations": [{"to": [{"email": "ann@example.com"}], "dynamic_template_data": {"a": "b"},
                                  "custom_args": {"engage_execution_id": "exec-1"}}],
            "from": {"email": SENDGRID_FROM_EMAIL}, "template_id": "d-offer", **more}


def test_scopes_tell_what_a_key_may_do(caller, sendgrid):
    assert "mail.send" in sendgrid("GET", "/v3/scopes").json["scopes"]
    assert caller("sendgrid", Authorization="Bearer SG.wrong")("GET", "/v3/scopes").status == 401
    reads = caller("sendgrid", Authorization=f"Bearer {SENDGRID_READ_ONLY_KEY}")
    assert "mail.send" not in reads("GET", "/v3/scopes").json["scopes"]
    assert reads("POST", "/v3/mail/send", data=mail()).status == 403


def test_a_mail_is_accepted_with_an_id_and_no_body(sendgrid, control):
    got = sendgrid("POST", "/v3/mail/send", data=mail(asm={"group_id": 101}, categories=["engage"]))
    assert (got.status, got.body) == (202, b"")
    (effect,) = control.ledger("sendgrid")
    assert (effect.user, effect.mark, effect.detail["message"]) == ("ann", "exec-1", got.headers["x-message-id"])


def test_a_repeated_mail_is_sent_twice_and_the_ledger_shows_it(sendgrid, control):
    for _ in range(2):
        sendgrid("POST", "/v3/mail/send", data=mail(), Idempotency_Key="of no use")
    assert len(silent_repeats(control.ledger("sendgrid"))) == 1


def test_the_sandbox_validates_and_sends_nothing(sendgrid, control):
    got = sendgrid("POST", "/v3/mail/send", data=mail(mail_settings={"sandbox_mode": {"enable": True}}))
    assert got.status == 200
    assert control.ledger("sendgrid") == []


@pytest.mark.parametrize(("more", "status", "field"), [
    ({"from": {}}, 400, "from.email"),
    ({"from": {"email": "someone@elsewhere.org"}}, 403, "from"),
    ({"template_id": "d-missing"}, 400, "template_id"),
    ({"asm": {"group_id": "101"}}, 400, "asm.group_id"),
    ({"personalizations": [{"to": [{"email": "nobody"}]}]}, 400, "personalizations.0.to.0.email"),
    ({"personalizations": [{"to": [{"email": "a@b.org"}], "custom_args": {"n": 1}}]}, 400,
     "personalizations.0.custom_args"),
    ({"colour": "red"}, 400, "colour"),
])
def test_a_mail_that_is_wrong_is_refused_by_field(sendgrid, control, more, status, field):
    got = sendgrid("POST", "/v3/mail/send", data=mail(**more))
    assert (got.status, got.json["errors"][0]["field"]) == (status, field)
    assert control.ledger("sendgrid") == []


def test_a_contact_is_put_on_a_list_once(sendgrid, control):
    data = {"list_ids": [list_id("newsletter")], "contacts": [{"email": "Ann@example.com", "first_name": "Ann"}]}
    for _ in range(2):
        got = sendgrid("PUT", "/v3/marketing/contacts", data=data)
        assert got.status == 202
    job = sendgrid("GET", f"/v3/marketing/contacts/imports/{got.json['job_id']}").json
    assert (job["status"], job["results"]["updated_count"]) == ("completed", 1)
    (effect,) = control.ledger("sendgrid")
    assert (effect.kind, effect.user) == ("contact.added_to_list", "ann")
    found = sendgrid("POST", "/v3/marketing/contacts/search/emails", data={"emails": ["ann@example.com"]}).json
    assert found["result"]["ann@example.com"]["contact"]["list_ids"] == [list_id("newsletter")]


def test_one_bad_address_refuses_all_contacts(sendgrid, control):
    got = sendgrid("PUT", "/v3/marketing/contacts", data={"contacts": [{"email": "ann@example.com"}, {"email": "x"}]})
    assert (got.status, got.json["errors"][0]["message"]) == (400, "email 'x' is not valid")
    assert control.state("sendgrid")["contacts"] == {}


def test_a_list_that_is_not_there_is_refused(sendgrid):
    got = sendgrid("PUT", "/v3/marketing/contacts", data={"list_ids": ["nope"], "contacts": [{"email": "a@b.org"}]})
    assert got.status == 404
    assert "list_ids" in got.json["errors"][0]["message"]


def test_pick_lists_can_be_read(sendgrid):
    templates = sendgrid("GET", "/v3/templates?generations=dynamic&page_size=200").json["result"]
    assert {one["id"] for one in templates} == {"d-offer", "d-winback"}
    assert all(one["versions"][0]["active"] == 1 for one in templates)
    assert sendgrid("GET", "/v3/templates?generations=dynamic").status == 400
    lists = sendgrid("GET", "/v3/marketing/lists?page_size=1000").json["result"]
    assert list_id("winback") in {one["id"] for one in lists}
    assert sendgrid("GET", "/v3/asm/groups").json[0]["id"] == 101


def test_suppressed_addresses_are_told(sendgrid, control):
    control.seed("sendgrid", "suppression", email="ann@example.com")
    path = "/v3/asm/suppressions/global"
    assert sendgrid("GET", f"{path}/ann%40example.com").json == {"recipient_email": "ann@example.com"}
    assert sendgrid("GET", f"{path}/bob%40example.com").json == {}
