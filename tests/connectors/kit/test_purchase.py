"""In-app purchases: where facts about them are looked for, and what stands for their tokens."""

import pytest

from connectors.kit import MissingAttributes
from connectors.kit.purchase import known, offered, perhaps_known, purchase_name, told
from connectors.push.apns import connector
from testkit import flows
from testkit.vendors.apns import token_key

SETTINGS = {"bundle_id": "a.b", "team_id": "A" * 10, "token_key": token_key(), "token_key_id": "B" * 10}
NAMES = ("context.purchase_token", "store_token")


def made(**more):
    return flows.call(connector, "send_push", settings=SETTINGS, params={"title": "t", "body": "b"}, **more)


@pytest.mark.parametrize(("context", "attributes", "found"), [
    ({"purchase_token": " t "}, {"store_token": "u"}, ("context.purchase_token", "t")),
    ({"purchase_token": " "}, {"store_token": 7}, ("store_token", "7")),
    ({"store_token": "x"}, {"purchase_token": "y"}, None),
])
def test_facts_of_the_event_and_of_the_user_are_told_apart_and_the_first_counts(context, attributes, found):
    assert perhaps_known(made(context=context, attributes=attributes), *NAMES) == found


def test_what_is_nowhere_is_named():
    with pytest.raises(MissingAttributes) as missing:
        known(made(), *NAMES)
    assert missing.value.names == NAMES


def test_a_token_is_named_without_showing_it():
    name = purchase_name("secret-token")
    assert name == purchase_name("secret-token") != purchase_name("other")
    assert (len(name), "secret" in name) == (16, False)


def test_the_pick_list_is_what_the_settings_name():
    assert offered(["gold", "silver"]) == [("gold", "gold"), ("silver", "silver")]


def test_absent_facts_are_left_out():
    assert told(a=True, b=None, c="", d=False, e=0, f="x") == {"a": "true", "d": "false", "e": "0", "f": "x"}
