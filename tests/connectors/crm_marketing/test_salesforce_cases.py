"""Posts to the feeds of a user's cases: which cases are found, which are posted to, and how often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.crm_marketing._salesforce_cases import quoted
from connectors.crm_marketing.salesforce_marketing_cloud import connector
from connectors.kit import Done, InDoubt, MissingAttributes, Response
from testkit import flows

SETTINGS = {"support_login_url": "https://acme.my.salesforce.com", "support_client_id": "id",
            "support_client_secret": "hush"}
CONTACT = "003000000000001AAA"
EMAIL = {"email_address": "ann@example.com"}
QUERY = "GET /services/data/v66.0/query"
FEED = "POST /services/data/v66.0/composite/sobjects"


def perform(action, *answers, params=None, attributes=None, settings=SETTINGS, **more):
    call = flows.call(connector, action, settings=settings, params=params, attributes=attributes, **more)
    return flows.run(connector, action, call, answers)


def records(*ids, **more):
    return flows.answer(200, {"totalSize": len(ids), "done": True, "records": [{"Id": one} for one in ids], **more})


def refused(status, code, message="no"):
    return flows.answer(status, [{"message": message, "errorCode": code}])


def cases_where(condition):
    return f"SELECT Id FROM Case WHERE {condition} ORDER BY CreatedDate DESC"  # noqa: S608 - compared, never sent


def soql(request):
    return dict(request.query)["q"]


def feed(*answers, attributes=None, **params):
    known = {"salesforce_id": CONTACT} if attributes is None else attributes
    return perform("post_case_feed_item", *answers, params=params, attributes=known)


def made(*ids):
    return flows.answer(200, [{"id": one, "success": True, "errors": []} for one in ids])


def failed(code, message="no"):
    return {"success": False, "errors": [{"statusCode": code, "message": message}]}


def test_every_case_of_the_user_gets_the_post():
    run = feed(records("500A", "500B"), made("0D5A", "0D5B"))
    assert run.lines == [QUERY, FEED]
    assert soql(run.requests[0]) == cases_where(f"ContactId IN ('{CONTACT}')")
    text = "User accepted the offer in prompt Stay with us"
    assert flows.json(run.requests[1]) == {"allOrNone": False, "records": [
        {"attributes": {"type": "FeedItem"}, "ParentId": one, "Type": "TextPost", "Body": text}
        for one in ("500A", "500B")]}
    assert run.done == Done(reference="0D5A,0D5B", detail={"posts": "2"})


def test_cases_are_found_by_contacts_and_by_the_address_that_was_supplied():
    run = feed(records(CONTACT, "003000000000002AAA"), records(), attributes=EMAIL, only_open_cases=True)
    assert soql(run.requests[1]) == cases_where(
        f"(ContactId IN ('{CONTACT}', '003000000000002AAA') OR SuppliedEmail = 'ann@example.com') "
        "AND IsClosed = false")


def test_without_a_contact_only_the_supplied_address_counts():
    run = feed(records(), records(), attributes=EMAIL)
    assert soql(run.requests[1]) == cases_where("SuppliedEmail = 'ann@example.com'")


def test_no_case_is_a_success():
    assert feed(records()).done == Done(detail={"posts": "0"})


def test_pages_of_cases_are_followed_and_two_hundred_posts_go_into_a_request():
    first = [f"500{n:04}" for n in range(201)]
    run = feed(
        records(*first, done=False, nextRecordsUrl="/services/data/v66.0/query/01g-2000"), records("500Z"),
        made(*map(str, range(200))), made("x", "y"), text="Hello",
    )
    assert run.lines == [QUERY, "GET /services/data/v66.0/query/01g-2000", FEED, FEED]
    assert [len(flows.json(one)["records"]) for one in run.requests[2:]] == [200, 2]
    assert run.done.detail == {"posts": "202"}
    assert run.done.reference.count(",") == 19


def test_a_next_page_elsewhere_is_not_followed():
    run = feed(records("500A", done=False, nextRecordsUrl="https://elsewhere.example/steal"), made("0D5A"))
    assert run.lines == [QUERY, FEED]


def test_only_locked_cases_are_tried_again():
    mixed = flows.answer(200, [{"id": "0D5A", "success": True, "errors": []}, failed("UNABLE_TO_LOCK_ROW")])
    run = feed(records("500A", "500B"), mixed, made("0D5B"))
    assert [one["ParentId"] for one in flows.json(run.requests[2])["records"]] == ["500B"]
    assert run.done == Done(reference="0D5A,0D5B", detail={"posts": "2"})


def test_cases_that_stay_locked_are_left_to_a_later_run_if_nothing_was_posted():
    locks = [flows.answer(200, [failed("UNABLE_TO_LOCK_ROW")])] * 3
    run = feed(records("500A"), *locks)
    assert (run.reason, run.code, run.failure.unknown) == ("unavailable", "UNABLE_TO_LOCK_ROW", False)


def test_posts_that_were_made_forbid_another_run():
    mixed = flows.answer(200, [{"id": "0D5A", "success": True, "errors": []}, failed("UNABLE_TO_LOCK_ROW")])
    run = feed(records("500A", "500B"), mixed, *[flows.answer(200, [failed("UNABLE_TO_LOCK_ROW")])] * 2)
    assert (run.reason, run.code) == ("rejected", "UNABLE_TO_LOCK_ROW")
    assert "1 posts were made, 1 were refused" in run.failure.message


@pytest.mark.parametrize("reply", [flows.answer(200, [failed("INVALID_TYPE", "not supported")]),
                                   refused(400, "INVALID_TYPE", "not supported")])
def test_an_org_without_feeds_refuses(reply):
    run = feed(records("500A"), reply)
    assert (run.reason, run.code) == ("rejected", "INVALID_TYPE")
    assert "not supported" in run.failure.message


@pytest.mark.parametrize("reply", [flows.answer(200, {}), made("a", "b"), Response(200, {}, b"<html>")])
def test_an_answer_that_tells_nothing_about_each_post_is_in_doubt(reply):
    assert isinstance(feed(records("500A"), reply).failure, InDoubt)


def test_a_user_without_contact_and_address_is_named():
    run = feed(attributes={})
    assert isinstance(run.failure, MissingAttributes)
    assert run.failure.names == ("salesforce_id", "email_address")


def test_an_id_of_something_else_is_said_to_be_no_contact():
    run = feed(attributes={"salesforce_id": "00Q000000000001AAA"})
    assert (run.reason, run.code, run.requests) == ("rejected", "not_a_contact", ())


@given(st.text())
def test_a_string_of_soql_holds_its_text_and_ends_where_it_should(text):
    inner = quoted(text)[1:-1]
    read, at = "", 0
    while at < len(inner):
        assert inner[at] not in "'\n\r"
        if inner[at] == "\\":
            at += 1
            read += {"n": "\n", "r": "\r"}.get(inner[at], inner[at])
        else:
            read += inner[at]
        at += 1
    assert read == text
