"""Marketing, support, push, and the customer's own endpoints: what reaches people is never sent a second time."""

from __future__ import annotations

from collections.abc import Mapping

from testkit.catalogue.case import ACCEPTED, ALREADY, DOUBT, Case, On, of
from testkit.vendors import activecampaign, adobe_experience_platform, iterable, naviga

EMAIL = {"email_address": "{user}@example.com"}
TYPED = {"email": "{user}@example.com"}
POST, PUT = On("POST"), On("PUT")
TICKETS = On("PUT", "/update_many$")
PUSH = {"title": "Stay", "body": "20 % off"}
LIST = "11111111-1111-4111-8111-111111111111"
MAIL = {"campaign_id": iterable.TRANSACTIONAL}
NAVIGA_OFFER = {"offer_id": naviga.OFFER, "offer_group_id": naviga.GROUP}
EVERY_TICKET = 2
"""How many tickets that are not closed every user has."""

PEOPLE: Mapping[str, tuple[Case, ...]] = {
    "zendesk": of(
        EMAIL,
        Case("create_ticket", ("ticket.created",), {}, POST),
        Case("set_tickets_priority", ("ticket.updated",) * EVERY_TICKET, {"priority": "urgent"}, TICKETS),
        Case("assign_tickets_agent", ("ticket.updated",) * EVERY_TICKET, {"assignee_id": 9002}, TICKETS),
        Case("suspend_user", ("user.suspended",), {}, PUT),
        Case("restore_user", ("user.restored",), {}, PUT, as_of="suspend_user"),
        Case("assign_tickets_group", ("ticket.updated",) * EVERY_TICKET, {"group_id": 7002}, TICKETS),
        Case("delete_tickets", ("ticket.deleted",) * 3, {}, On("DELETE"), lost=ALREADY),
        Case("set_tickets_status", ("ticket.updated",) * EVERY_TICKET, {"status": "hold"}, TICKETS),
        Case("spam_tickets", ("ticket.spam",) * EVERY_TICKET + ("user.suspended",), {}, PUT, lost=ALREADY),
        Case("set_tickets_source", ("ticket.updated",) * EVERY_TICKET, {"source": "In app"}, TICKETS),
    ),
    "freshdesk": of(
        EMAIL,
        Case("create_ticket", ("ticket.created",), {}, POST),
        Case("set_tickets_priority", ("ticket.updated",) * EVERY_TICKET, {"priority": 3}, POST),
        Case("set_tickets_status", ("ticket.updated",), {"status": 3}, POST),
        Case("set_tickets_responder", ("ticket.updated",) * EVERY_TICKET, {"responder_id": 8001}, POST),
        Case("set_tickets_group", ("ticket.updated",) * EVERY_TICKET, {"group_id": 8102}, POST),
        Case("set_tickets_source", ("ticket.updated",) * EVERY_TICKET, {"source": 7}, POST),
        Case("delete_contact", ("contact.deleted",), {}, On("DELETE"), lost=ALREADY),
        Case("restore_contact", ("contact.restored",), {}, PUT, as_of="delete_contact", lost=ALREADY),
        Case("delete_tickets", ("ticket.deleted",) * EVERY_TICKET, {}, POST, lost=ALREADY),
        Case("spam_tickets", ("ticket.spam",) * EVERY_TICKET, {}, PUT, seeds=(("spam_call", {"on": True}),)),
    ),
    "sendgrid": of(
        EMAIL,
        Case("send_template_email", ("mail.sent",), {"template_id": "d-offer"}, On("POST", "/mail/send$"), lost=DOUBT,
             busy=ACCEPTED),
        Case("send_template_email_to_input", ("mail.sent",), {"template_id": "d-offer"}, On("POST", "/mail/send$"),
             form=TYPED, lost=DOUBT, busy=ACCEPTED),
        Case("add_to_list", ("contact.added_to_list",), {"list_id": LIST}, PUT, lost=ACCEPTED, busy=ACCEPTED),
    ),
    "salesforce_marketing_cloud": of(
        EMAIL,
        Case("create_case", ("case.created",), {}, On("POST", "/Case/?$"), lost=DOUBT),
        Case("post_case_feed_item", ("feed_item.created",), {"only_open_cases": True}, On("POST", "/composite/"),
             lost=DOUBT),
        Case("triggered_send", ("message.sent",), {"definition_key": "offer"}, On("POST", "/messaging/"),
             busy=ACCEPTED, lost=ALREADY),
        Case("add_subscriber_to_list", ("subscriber.added_to_list",), {"list_id": 77},
             On("POST", "asmx")),
        Case("add_input_to_list", ("subscriber.added_to_list",), {"list_id": 77}, On("POST", "asmx"), form=TYPED),
    ),
    "braze": of(
        EMAIL,
        Case("add_user_with_email", ("profile.created",), {}, POST, form=TYPED, lost=ACCEPTED, busy=ACCEPTED),
        Case("upsert_user_by_email", ("profile.created",), {}, POST, lost=ACCEPTED, busy=ACCEPTED),
        Case("track_prompt_event", ("profile.created", "event.recorded"), {}, POST, lost=DOUBT, busy=ACCEPTED),
    ),
    "iterable": of(
        EMAIL,
        Case("track_event", ("event.tracked",), {}, POST, lost=ACCEPTED, busy=ACCEPTED),
        Case("add_user_to_list", ("user.created", "list.subscribed"), {"list_id": iterable.STATIC_LIST}, POST),
        Case("trigger_journey", ("journey.entered",), {"workflow_id": iterable.JOURNEY}, POST,
             lost=DOUBT, busy=ACCEPTED),
        Case("send_campaign_email", ("mail.sent",), MAIL, POST, lost=DOUBT, busy=ACCEPTED),
        Case("send_campaign_email_to_input", ("mail.sent",), MAIL, POST, form=TYPED, lost=DOUBT, busy=ACCEPTED),
    ),
    "activecampaign": of(
        EMAIL,
        Case("add_contact", ("contact.created",), {}, POST),
        Case("add_to_list", ("contact.created", "list.subscribed"), {"list_id": activecampaign.LIST},
             On("POST", "/contactLists")),
        Case("add_to_automation", ("contact.created", "automation.entered"),
             {"automation_id": activecampaign.AUTOMATION}, On("POST", "/contactAutomations")),
    ),
    "naviga": of(
        {"naviga_customer_registration_id": "reg-{user}", "email_address": "{user}@example.com"},
        Case("check_subscription"),
        Case("create_subscription", ("subscription.created",), NAVIGA_OFFER, POST, lost=ALREADY),
        Case("start_subscription", ("subscription.started",), {}, POST, seeds=(
            ("subscription", {"user": "{user}", "status": "S"}),), lost=ACCEPTED, busy=ACCEPTED),
        Case("end_subscription", ("subscription.ended",), {"reason": "price"}, POST, seeds=(
            ("subscription", {"user": "{user}", "status": "L"}),), lost=ACCEPTED, busy=ACCEPTED),
        Case("upgrade_subscription", ("subscription.upgraded",), {"offer_id": "offer-2"}, POST, seeds=(
            ("subscription", {"user": "{user}"}),), lost=DOUBT, busy=ACCEPTED),
        Case("downgrade_subscription", ("subscription.downgraded",), {"offer_id": "offer-2"}, POST, seeds=(
            ("subscription", {"user": "{user}"}),), lost=DOUBT, busy=ACCEPTED),
    ),
    "adobe_experience_platform": of(
        EMAIL,
        Case("trigger_journey", ("journey.entered",), {"journey_event_id": adobe_experience_platform.EVENT_ID},
             On("POST", "collect"), lost=DOUBT, busy=ACCEPTED),
        Case("trigger_campaign", ("message.sent",), {"campaign_id": adobe_experience_platform.CAMPAIGN},
             On("POST", "executions"), lost=DOUBT, busy=ACCEPTED),
    ),
    "segment": of(
        {"segment_user_id": "{user}"},
        Case("track_prompt_event", ("track.taken",), {}, POST, lost=ACCEPTED, busy=ACCEPTED),
        Case("identify_user", ("identify.taken",), {"traits": ["segment_user_id"]}, POST, lost=ACCEPTED, busy=ACCEPTED),
    ),
    "apns": of(
        {"push_endpoints_apns": ["{digest}"]},
        Case("send_push", ("notification.sent",), PUSH, POST, lost=DOUBT, busy=ACCEPTED),
    ),
    "fcm": of(
        {"push_endpoints_fcm": ["phone-{user}"]},
        Case("send_push", ("notification.sent",), PUSH, On("POST", "messages:send$"), lost=DOUBT, busy=ACCEPTED),
    ),
    "adm": of(
        {"push_endpoints_adm": ["fire-{user}"]},
        Case("send_push", ("message.sent",), PUSH, On("POST", "/messages$"), lost=DOUBT, busy=ACCEPTED),
    ),
    "custom_api": of(
        {},
        Case("call_api", ("call.taken",), {"api_action": "start_delivery"}, POST, lost=DOUBT),
    ),
}
"""By connector, in the order of its actions."""
