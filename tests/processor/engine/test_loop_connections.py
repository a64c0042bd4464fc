"""What vendors of many devices ask for: few connections, and new tokens where they say so in their own way."""

import pytest

from connectors.kit import Done, Misconfigured, Repeat, Response, post
from connectors.kit.reading import read_status
from processor.config.model import configuration_of
from testkit.engine.harness import Harness
from testkit.engine.vendors import configuration, vendor


def _pushes(call):
    for device in (1, 2):
        yield post(f"/push/{device}/{call.event.event_id}", kept=True)
    return Done("done")


def _pushing():
    alpha = vendor("alpha")
    alpha.action("push", "Push", repeat=Repeat.NEVER)(_pushes)
    return Harness(configuration({"p": ["alpha.push"]}, connectors=[alpha]))


def test_a_connection_that_the_vendor_wants_kept_is_used_for_what_must_not_be_repeated_too():
    process = _pushing()
    process.accept("e1")
    process.advance(0.2)
    assert not process.call("push/1/e1").fresh
    assert process.world.chain("app:e1").started.binding_id == "alpha.push", "the mark is durable all the same"


def test_the_connections_of_an_app_are_kept_from_all_others_since_apple_takes_one_team_a_connection():
    alpha = vendor("alpha")
    alpha.action("push", "Push", repeat=Repeat.NEVER)(_pushes)
    apps = {name: configuration({"p": ["alpha.push"]}, connectors=[alpha], app_id=name).apps[name]
            for name in ("one", "two")}
    process = Harness(configuration_of(apps))
    for name, event_id in (("one", "e1"), ("two", "e2"), ("one", "e3")):
        process.accept(event_id, event_id, app_id=name)
    process.advance(0.2)
    first, other, again = (process.call(f"push/1/{event_id}").lane for event_id in ("e1", "e2", "e3"))
    assert first is not None
    assert first is again
    assert first is not other


def test_what_needs_no_kept_connection_shares_those_of_all():
    process = Harness(configuration({"p": ["alpha.harmless"]}))
    process.accept("e1")
    assert process.call("harmless/e1").lane is None


def test_every_device_has_a_mark_of_its_own_so_that_a_lost_answer_is_in_doubt_behind_one_that_came():
    process = _pushing()
    process.accept("e1")
    process.advance(0.2)
    process.answer("push/1/e1")
    process.advance(0.2)
    process.answer("push/2/e1", answer=500)
    process.settle()
    assert process.sent == ["POST alpha/push/1/e1", "POST alpha/push/2/e1"]
    assert process.outcomes("e1") == [("alpha.push", "failed", "in_doubt")]


def test_a_device_token_from_a_list_is_in_no_dead_letter():
    token = "c0ffee" * 8

    def to_device(_call):
        yield post(f"/device/{token}", json={"token": token})

    process = Harness(configuration({"p": ["alpha.one"]}, connectors=[vendor("alpha", more={"one": to_device})]))
    process.sync("ann0", push_endpoints=["another-token-of-hers", token])
    process.accept("e1")
    process.answer(token, answer=Response(400, {}, token.encode()))
    process.settle()
    exchange = process.world.letters("e1")[0].failures[0].exchange
    assert exchange.status == 400
    assert token not in str(exchange)


@pytest.mark.parametrize(("stale", "then"), [(True, ["POST alpha/token"]), (False, [])])
def test_a_403_of_a_vendor_that_calls_the_token_stale_is_worth_a_new_one(stale, then):
    def read(request, response):
        if response.status == 403:
            return Misconfigured("expired", status=403, stale_token=stale)
        return read_status(request, response)

    process = Harness(configuration({"p": ["alpha.tokened"]}, connectors=[vendor("alpha", read=read)]))
    process.accept("e1")
    process.answer("/token", json={"token": "old"})
    process.answer("tokened/e1", answer=403)
    assert process.lines == then
