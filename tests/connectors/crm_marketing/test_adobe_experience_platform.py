import orjson
import pytest
from pydantic import ValidationError

from connectors.crm_marketing.adobe_experience_platform import EVENTS, PROFILES, connector
from connectors.kit import Done, Repeat, Token, get
from testkit import flows, specs
from testkit.flows import NOW, OUTCOME, answer

BARE = {"identity_map_symbol": "CRMID", "instance_name": "_production", "datastream_id": "ds-1"}
SIGNED_IN = {**BARE, "ims_org_id": "ORG@AdobeOrg", "client_id": "cid", "client_secret": "s3cret"}
INLET = {**SIGNED_IN, "inlet_id": "in/1", "profile_schema_id": "https://ns.adobe.com/acme/schemas/p",
         "profile_dataset_id": "d-1", "profile_flow_id": "f-1", "sandbox_name": "dev"}
SCHEMA = {"id": "https://ns.adobe.com/acme/schemas/p", "contentType": "application/vnd.adobe.xed-full+json;version=1"}
EVENT_ID = "a1" * 32
EXPORT, JOURNEY, CAMPAIGN, SYNC = "export_prompt_event", "trigger_journey", "trigger_campaign", "sync_user_traits"
SPECS = specs.load("adobe_experience_platform")
TAKEN = answer(202, {"requestId": "req-1"})


def call(id, *, settings=SIGNED_IN, params=None, **more):
    return flows.call(connector, id, settings=settings, params=params, **more)


def act(id, answers=(), **more):
    return flows.run(connector, id, call(id, **more), answers)


def item(id, **more):
    return connector.exports[id].item(call(id, **more))


def send(id, items, answers, settings=SIGNED_IN):
    model = connector.settings.model_validate(settings)
    return flows.drive(connector.exports[id].send(model, items), answers, connector.read)


def problem(status, code, **more):
    return answer(status, {"type": f"https://ns.adobe.com/aep/errors/{code}", "status": status, "title": "Bad", **more})


# -- settings and signing


@pytest.mark.parametrize(("wrong", "names"), [
    ({"client_id": "cid"}, {"ims_org_id", "client_secret"}), ({"client_secret": "x"}, {"ims_org_id", "client_id"}),
    ({"inlet_id": "i"}, {"ims_org_id", "profile_dataset_id", "profile_flow_id"}),
    ({"instance_name": "production"}, {"instance_name"}), ({"ims_org_id": "ORG"}, {"ims_org_id"}),
    ({"scopes": ""}, {"scopes"}), ({"base_url": "https://evil.example"}, {"base_url"}),
    ({"base_url": "http://127.0.0.1:1/x"}, {"base_url"})])
def test_mistakes_in_settings_are_found_each_at_its_place(wrong, names):
    with pytest.raises(ValidationError) as found:
        connector.settings(**{**BARE, **wrong})
    assert {error["loc"][0] for error in found.value.errors()} == names


def test_the_token_is_asked_for_with_the_clients_secret_and_kept_for_a_day():
    settings = connector.settings.model_validate(SIGNED_IN)
    ended = flows.drive(connector.tokens["ims"](settings, NOW),
                        [answer(json={"access_token": "tok", "token_type": "bearer", "expires_in": 86399})])
    assert ended.lines == ["POST https://ims-na1.adobelogin.com/ims/token/v3"]
    assert dict(flows.form(ended.requests[0])) == {
        "grant_type": "client_credentials", "client_id": "cid", "client_secret": "s3cret",
        "scope": "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"}
    assert ended.done == Token("tok", NOW + 86399 - 3600)


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (answer(400, {"error": "invalid_client", "error_description": "?"}), "misconfigured", "invalid_client"),
    (answer(400, {"error": "invalid_scope"}), "misconfigured", "invalid_scope"),
    (answer(429), "unavailable", "http_429")])
def test_wrong_credentials_pause_the_connector_and_a_busy_sign_in_does_not(refusal, reason, code):
    ended = flows.drive(connector.tokens["ims"](connector.settings.model_validate(SIGNED_IN), NOW), [refusal],
                        connector.read)
    assert (ended.reason, ended.code) == (reason, code)


def test_what_signs_in_carries_token_client_and_organization():
    signed = flows.sign(connector, SIGNED_IN, get("https://platform.adobe.io/ajo/im/health"), token=Token("tok", NOW))
    assert signed.url == "https://platform.adobe.io/ajo/im/health"
    assert [flows.header(signed, name) for name in ("authorization", "x-api-key", "x-gw-ims-org-id")] == [
        "Bearer tok", "cid", "ORG@AdobeOrg"]
    assert flows.sign(connector, BARE, get("https://edge.adobedc.net/x")).headers in ([], ())


def checked(settings, seen):
    return flows.drive(connector.check(connector.settings.model_validate(settings)), [seen], connector.read)


def test_the_connection_test_signs_in_where_it_can_and_else_asks_for_the_datastream():
    ended = checked(SIGNED_IN, answer(200))
    assert (ended.lines, ended.requests[0].realm) == (["GET https://platform.adobe.io/ajo/im/health"], "ims")
    ended = checked(BARE, problem(400, "EXEG-0101-400"))
    assert (ended.lines, ended.requests[0].effect, ended.requests[0].body) == (
        ["POST https://edge.adobedc.net/ee/v2/collect"], False, b'{"events":[]}')
    assert ended.done.name == "datastream ds-1, not signed in"
    assert checked(BARE, problem(400, "EXEG-0003-400")).reason == "misconfigured"


def test_it_is_an_add_on():
    assert connector.addon


# -- reading of answers


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (problem(400, "EXEG-0003-400"), "misconfigured", "EXEG-0003-400"),
    *((problem(400, code), "rejected", code) for code in ("EXEG-0305-400", "EXEG-0306-400", "EXEG-0308-400")),
    *((problem(422, f"EXEG-{number}-422"), "misconfigured", f"EXEG-{number}-422")
      for number in ("0004", "0010", "0011", "0012", "0013")),
    (problem(422, "EXEG-0999-422"), "rejected", "EXEG-0999-422"),
    *((problem(401, f"EXEG-{number}-401"), "misconfigured", f"EXEG-{number}-401")
      for number in ("0500", "0502", "0503", "0504", "0505", "0506")),
    (problem(403, "EXEG-0400-403"), "rejected", "EXEG-0400-403"),
    (problem(200, "EXEG-0301-200"), "rejected", "EXEG-0301-200"),
    (problem(403, "EXEG-0001-403"), "misconfigured", "EXEG-0001-403"),
    (answer(413), "rejected", "http_413"),
    (answer(429), "unavailable", "http_429"),
    (answer(500), "rejected", "http_500"),
    (answer(502), "unavailable", "http_502"),
    (problem(503, "EXEG-0201-503"), "unavailable", "EXEG-0201-503"),
])
def test_each_answer_of_the_edge_network_is_read_by_who_must_act(refusal, reason, code):
    ended = act(JOURNEY, [refusal])
    assert (ended.reason, ended.code) == (reason, code)


def test_only_a_401_says_that_the_token_may_be_stale():
    assert act(JOURNEY, [problem(401, "EXEG-0503-401")]).failure.stale_token
    assert not act(JOURNEY, [problem(422, "EXEG-0004-422")]).failure.stale_token


def test_messages_and_waits_are_the_vendors():
    found = act(JOURNEY, [problem(400, "EXEG-0306-400", detail="no primary identity", report={"requestId": "r"})])
    assert found.failure.message == "Bad: no primary identity"
    assert act(JOURNEY, [answer(429, headers={"Retry-After": "7"})]).failure.retry_after == 7


# -- identities


@pytest.mark.parametrize(("symbol", "attributes", "value"), [
    ("CRMID", {}, "u-1"), ("CRMID", {"email_address": "a@x.io"}, "u-1"), ("CRMID", {"adobe_identity": "c-7"}, "c-7"),
    ("Email", {"email_address": "a@x.io"}, "a@x.io"), ("Email", {"adobe_identity": "c-7"}, "c-7")])
def test_the_identity_is_what_the_namespace_holds(symbol, attributes, value):
    made = orjson.loads(item(EXPORT, settings={**BARE, "identity_map_symbol": symbol},
                                   attributes=attributes).body)
    assert made["xdm"]["identityMap"] == {
        symbol: [{"id": value, "primary": True, "authenticatedState": "authenticated"}]}


def test_a_user_without_a_value_for_the_namespace_is_missing_attributes():
    ended = act(JOURNEY, settings={**BARE, "identity_map_symbol": "Email"})
    assert (ended.requests, ended.failure.names) == ((), ("adobe_identity", "email_address"))
    with pytest.raises(Exception, match="loyalty_id"):
        item(EXPORT, params={"identity_trait": "loyalty_id"})
    chosen = item(EXPORT, params={"identity_trait": "loyalty_id"}, attributes={"loyalty_id": "l-1"})
    assert b'"l-1"' in chosen.body


# -- export_prompt_event


def test_an_interaction_is_an_experience_event():
    made = item(EXPORT, params={"event_type": "offer"}, variant_id="v", variant_name="V")
    assert (orjson.loads(made.body), made.reference) == ({"xdm": {
        "_id": OUTCOME, "timestamp": "2027-01-15T07:59:59.000Z", "eventType": "offer",
        "identityMap": {"CRMID": [{"id": "u-1", "primary": True, "authenticatedState": "authenticated"}]},
        "_production": {"activity": "goal", "app_id": "app", "promo_id": "p-1", "promo_name": "Stay with us",
                        "variation_id": "v", "variation_name": "V",
                        "event_timestamp": "2027-01-15T07:59:59.000Z"}}}, OUTCOME)
    assert b'"web.webinteraction.linkClicks"' in item(EXPORT).body


@pytest.mark.parametrize(("interaction", "activity"), [
    ("accept", "goal"), ("secondary_accept", "goal"), ("decline", "decline"), ("dismiss", "dismiss"),
    ("timeout", "timeout"), ("impression", "impression"), ("custom_goal", "custom_goal"), ("holdout", "holdout")])
def test_interactions_have_adobes_names(interaction, activity):
    made = orjson.loads(item(EXPORT, interaction=interaction).body)
    assert made["xdm"]["_production"]["activity"] == activity


@pytest.mark.parametrize(("settings", "host", "realm"), [(SIGNED_IN, "server", "ims"), (BARE, "edge", "")])
def test_a_batch_is_collected_by_the_host_for_those_who_sign_in_or_do_not(settings, host, realm):
    items = [item(EXPORT, settings=settings), item(EXPORT, settings=settings, outcome_id="o-2", user_id="u-2")]
    ended = send(EXPORT, items, [TAKEN], settings)
    (request,) = ended.requests
    assert (request.method, request.path) == ("POST", f"https://{host}.adobedc.net/ee/v2/collect")
    assert (flows.query(request), request.realm) == ([("datastreamId", "ds-1")], realm)
    assert request.headers == {"Content-Type": "application/json"}
    assert [one["xdm"]["_id"] for one in flows.json(request)["events"]] == [OUTCOME, "o-2"]
    assert ended.done == [Done(OUTCOME, "accepted"), Done("o-2", "accepted")]


def test_the_bad_event_of_a_batch_is_found_by_halving_and_fails_alone():
    items = [item(EXPORT, outcome_id=f"o-{number}") for number in range(3)]
    bad = problem(400, "EXEG-0306-400", detail="event #1")
    ended = send(EXPORT, items, [bad, TAKEN, bad, bad, TAKEN])
    assert [getattr(one, "code", one[0] if isinstance(one, Done) else "") for one in ended.done] == [
        "o-0", "EXEG-0306-400", "o-2"]


@pytest.mark.parametrize(("status", "code"), [(200, "EXEG-0301-200"), (403, "EXEG-0400-403")])
def test_a_user_without_consent_or_in_a_blocked_country_takes_no_other_event_along(status, code):
    items = [item(EXPORT, outcome_id=f"o-{number}") for number in range(2)]
    ended = send(EXPORT, items, [problem(status, code), problem(status, code), TAKEN])
    assert (ended.done[0].code, ended.done[1].reference) == (code, "o-1")


def test_a_missing_right_is_the_settings_fault():
    assert send(EXPORT, [item(EXPORT)] * 2, [problem(403, "EXEG-0001-403")]).reason == "misconfigured"


def test_a_batch_that_is_too_large_is_halved_and_a_lone_event_rejected():
    items = [item(EXPORT, outcome_id=f"o-{number}") for number in range(2)]
    ended = send(EXPORT, items, [answer(413), TAKEN, problem(413, "EXEG-0112-413")])
    assert (ended.done[0].reference, ended.done[1].code) == ("o-0", "EXEG-0112-413")


def test_a_wrong_datastream_is_nobody_elses_fault_and_is_not_searched_for_among_the_events():
    ended = send(EXPORT, [item(EXPORT), item(EXPORT)], [problem(400, "EXEG-0003-400")])
    assert (ended.reason, len(ended.requests)) == ("misconfigured", 1)


def warned(*statuses):
    return answer(207, {"requestId": "r", "handle": [], "errors": [
        {"type": "https://ns.adobe.com/aep/errors/EXEG-0201-503", "status": one} for one in statuses]})


def test_what_an_upstream_service_did_not_take_is_a_warning_or_worth_another_try():
    ended = send(EXPORT, [item(EXPORT)], [warned(503, 400)])
    assert ended.done == [Done(OUTCOME, "accepted", {"warning": "EXEG-0201-503,EXEG-0201-503"})]
    again = send(EXPORT, [item(EXPORT)], [warned(503, 504)])
    assert (again.reason, again.failure.unknown) == ("unavailable", True)
    assert send(EXPORT, [item(EXPORT)], [warned()]).done == [Done(OUTCOME, "accepted")]
    assert send(EXPORT, [item(EXPORT)], [answer(204)]).done == [Done(OUTCOME, "accepted")]


# -- trigger_journey


def test_a_journey_is_told_by_an_event():
    ended = act(JOURNEY, [TAKEN], params={"journey_event_id": EVENT_ID, "event_type": "j",
                                          "event_fields": {"plan": "%plan%", "no": "%nothing%"}},
                attributes={"plan": "gold"})
    assert ended.lines == ["POST https://server.adobedc.net/ee/v2/collect"]
    assert flows.json(ended.requests[0]) == {"events": [{"xdm": {
        "_id": OUTCOME, "timestamp": "2027-01-15T07:59:59.000Z", "eventType": "j",
        "identityMap": {"CRMID": [{"id": "u-1", "primary": True}]}, "_production": {"plan": "gold"},
        "_experience": {"campaign": {"orchestration": {"eventID": EVENT_ID}}}}}]}
    assert ended.done == ("req-1", "accepted", {})
    assert connector.actions[JOURNEY].repeat is Repeat.NEVER


def test_an_event_for_rules_names_no_orchestration():
    assert "_experience" not in flows.json(act(JOURNEY, [TAKEN]).requests[0])["events"][0]["xdm"]


VIA_INLET = {"route": "inlet", "journey_event_id": EVENT_ID, "event_schema_id": "https://ns.adobe.com/acme/schemas/e",
             "event_dataset_id": "d-9"}


def test_a_journey_can_be_fed_by_an_inlet():
    ended = act(JOURNEY, [answer(json={"inletId": "in/1", "xactionId": "x-1", "receivedTimeMs": 1})], settings=INLET,
                params=VIA_INLET)
    (request,) = ended.requests
    assert (request.path, request.realm) == ("https://dcs.adobedc.net/collection/in%2F1", "ims")
    assert request.headers == {"Content-Type": "application/json", "x-sandbox-name": "dev"}
    sent, schema = flows.json(request), {**SCHEMA, "id": "https://ns.adobe.com/acme/schemas/e"}
    assert sent["header"] == {"schemaRef": schema, "imsOrgId": "ORG@AdobeOrg", "datasetId": "d-9", "flowId": "f-1",
                              "source": {"name": "prompt-actions"}}
    assert sent["body"]["xdmMeta"] == {"schemaRef": schema}
    assert sent["body"]["xdmEntity"]["_experience"] == {"campaign": {"orchestration": {"eventID": EVENT_ID}}}
    assert ended.done == ("x-1", "accepted", {})


@pytest.mark.parametrize(("refusal", "reason"), [
    (answer(400, {"type": "x/DCVS-1106-400", "status": 400, "title": "Invalid XDM Message Format",
                  "report": {"message": "wrong org"}}), "rejected"),
    (answer(401), "misconfigured"), (answer(403), "misconfigured"), (answer(429), "unavailable"),
    (answer(500), "unavailable"), (answer(503, headers={"Retry-After": "3"}), "unavailable")])
def test_an_inlet_is_read_as_its_specification_says(refusal, reason):
    assert act(JOURNEY, [refusal], settings=INLET, params=VIA_INLET).reason == reason


def test_an_inlet_that_is_not_described_is_refused():
    with pytest.raises(ValidationError, match="event_schema_id"):
        call(JOURNEY, params={"route": "inlet"})
    assert act(JOURNEY, params=VIA_INLET).code == "no_inlet"


# -- trigger_campaign


def test_a_campaign_is_sent_to_one_profile():
    ended = act(CAMPAIGN, [answer(202, {"executionId": "HUMA-1", "requestId": OUTCOME})],
                params={"campaign_id": "c-1", "context": {"plan": "%plan%", "seats": "%seats%"}},
                attributes={"email_address": "a@x.io", "plan": "gold", "seats": 3})
    (request,) = ended.requests
    assert (request.method, request.path, request.realm) == (
        "POST", "https://platform.adobe.io/ajo/im/executions/unitary", "ims")
    assert request.headers["x-sandbox-name"] == "prod"
    assert flows.json(request) == {"requestId": OUTCOME, "campaignId": "c-1", "recipients": [
        {"type": "aep", "userId": "a@x.io", "namespace": "email",
         "context": {"plan": "gold", "seats": "3", "promo_id": "p-1"}}]}
    assert ended.done == ("HUMA-1", "accepted", {})
    assert connector.actions[CAMPAIGN].repeat is Repeat.NEVER


def test_an_external_recipient_has_an_address():
    external = {"campaign_id": "c-1", "recipient_type": "external", "namespace": "phone"}
    ended = act(CAMPAIGN, [answer(202, {"executionId": "H"})], params=external, attributes={"phone": "+1"})
    (recipient,) = flows.json(ended.requests[0])["recipients"]
    assert (recipient["type"], recipient["userId"], recipient["channelData"]) == (
        "external", "u-1", {"mobilePhoneNumber": "+1"})
    assert act(CAMPAIGN, params=external).failure.names == ("email_address", "phone")


@pytest.mark.parametrize(("refusal", "reason", "code"), [
    (problem(400, "MSG-000052-400"), "rejected", "MSG-000052-400"), (answer(401), "misconfigured", "http_401"),
    (answer(429), "unavailable", "http_429"), (answer(503), "unavailable", "http_503")])
def test_a_campaign_that_is_refused_is_read_by_who_must_act(refusal, reason, code):
    ended = act(CAMPAIGN, [refusal], params={"campaign_id": "c-1", "namespace": "CRMID"})
    assert (ended.reason, ended.code) == (reason, code)


def test_a_campaign_without_credentials_or_address_sends_nothing():
    assert act(CAMPAIGN, settings=BARE, params={"campaign_id": "c-1"}).code == "no_credentials"
    assert act(CAMPAIGN, params={"campaign_id": "c-1"}).failure.names == ("adobe_identity", "email_address")


# -- sync_user_traits


def profile(number=1, **more):
    return item(SYNC, settings=INLET, params={"traits": ["plan", "tags", "gone"]}, user_id=f"u-{number}",
                **{"attributes": {"plan": "gold", "tags": ["a"]}, **more})


def test_traits_are_streamed_as_profile_records():
    seen = answer(207, {"inletId": "i", "batchId": "b", "responses": [
        {"xactionId": "x-1"}, {"statusCode": 400, "message": "bad"}, {"statusCode": 503}]})
    ended = send(SYNC, [profile(1), profile(2), profile(3)], [seen], INLET)
    (request,) = ended.requests
    assert (request.method, request.path) == ("POST", "https://dcs.adobedc.net/collection/batch/in%2F1")
    assert request.headers == {"Content-Type": "application/json", "x-sandbox-name": "dev"}
    assert flows.json(request)["messages"][0] == {
        "header": {"schemaRef": SCHEMA, "imsOrgId": "ORG@AdobeOrg", "datasetId": "d-1", "flowId": "f-1",
                   "source": {"name": "prompt-actions"}},
        "body": {"xdmMeta": {"schemaRef": SCHEMA}, "xdmEntity": {
            "_id": "u-1", "identityMap": {"CRMID": [{"id": "u-1", "primary": True}]},
            "_production": {"plan": "gold", "tags": ["a"]}}}}
    assert ended.done[0] == Done("x-1", "accepted")
    assert [(one.reason, one.code) for one in ended.done[1:]] == [("rejected", "http_400"), ("unavailable", "http_503")]


def test_records_that_are_too_large_together_are_halved():
    one = answer(207, {"responses": [{"xactionId": "x"}]})
    ended = send(SYNC, [profile(1), profile(2)], [answer(413), one, answer(413)], INLET)
    assert (ended.done[0].reference, ended.done[1].code) == ("x", "too_large")


def test_an_answer_that_does_not_name_each_record_is_worth_another_try():
    assert send(SYNC, [profile(1)], [answer(207, {"responses": []})], INLET).reason == "unavailable"


def test_nothing_to_send_and_nowhere_to_send_it():
    for more, said in (({"attributes": {}}, "not synced: plan, tags, gone"),):
        with pytest.raises(Exception, match=said):
            profile(**more)
    with pytest.raises(Exception, match="no_inlet"):
        item(SYNC, params={"traits": ["plan"]}, attributes={"plan": "gold"})
    with pytest.raises(Exception, match="no_profile_schema"):
        item(SYNC, settings={**INLET, "profile_schema_id": ""}, params={"traits": ["plan"]},
             attributes={"plan": "gold"})


def test_batches_keep_to_the_vendors_limits():
    assert EVENTS.bytes + EVENTS.items + len(b'{"events":[]}') <= 65_536
    assert PROFILES.bytes + PROFILES.items + len(b'{"messages":[]}') <= 1_048_576
    assert connector.exports[SYNC].trigger == "attributes"


# -- the vendor's specifications


@pytest.mark.skipif(SPECS is None, reason="no vendor-specs/adobe_experience_platform folder")
def test_every_request_is_as_the_vendors_specifications_say():
    streamed, ran = answer(json={"xactionId": "x"}), answer(202, {"executionId": "H"})
    external = {"campaign_id": "c", "recipient_type": "external"}
    user = {"email_address": "a@x.io", "plan": "gold"}
    made = [
        *send(EXPORT, [item(EXPORT)], [TAKEN]).requests,
        *act(JOURNEY, [TAKEN], params={"journey_event_id": EVENT_ID}).requests,
        *act(JOURNEY, [streamed], settings={**INLET, "inlet_id": "i"}, params=VIA_INLET).requests,
        *act(CAMPAIGN, [ran], params={"campaign_id": "c"}, attributes=user).requests,
        *act(CAMPAIGN, [ran], params=external, attributes=user).requests,
        *send(SYNC, [profile()], [answer(207, {"responses": [{"xactionId": "x"}]})], INLET).requests,
    ]
    for one in made:
        below = one._replace(path="/" + one.path.split("/", 3)[3].removeprefix("ee/").removeprefix("ajo/"))
        assert SPECS.problems(below, free=("xdm", "xdmEntity")) == []
