"""A good folder becomes what the engine reads; each kind of mistake is named with its place and its remedy."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from processor.config.errors import ConfigErrors
from processor.config.files import load


def test_a_good_folder_becomes_apps_with_chains_in_their_order(folder):
    app = folder.load().apps["kiosk"]
    chain = app.chain("save_offer", "accept")
    assert [(one.id, one.position) for one in chain] == [
        ("shop.apply_coupon", 0), ("shop.apply_coupon#2", 1), ("the-end", 2)]
    first, second, third = chain
    assert (first.params.coupon_id, first.params.percent) == ("STAY20", 20)
    assert (first.on_error, first.max_age, first.in_doubt, first.order) == ("continue", 259_200.0, "hold", "hold")
    assert (second.on_error, second.max_age, second.in_doubt) == ("stop", None, "retry")
    assert third.order == "overtake"
    assert first.settings.api_key.get_secret_value() == "hunter22"
    assert (app.title, app.addons, app.duplicates_window) == ("Kiosk", {"lens"}, 43_200.0)


def test_what_is_not_bound_is_an_empty_chain(folder):
    app = folder.load().apps["kiosk"]
    assert app.chain("save_offer", "timeout") == ()
    assert app.chain("unheard_of", "accept") == ()


def test_limits_of_the_app_stand_over_the_connector_s_own(folder):
    limits = folder.load().apps["kiosk"].connectors["shop"].limits
    assert (limits.rate, limits.concurrency, limits.timeout) == (2, 10, 5.0)


def test_exports_take_the_named_interactions_and_prompts_and_attribute_syncs_take_none(folder):
    track, sync = folder.load().apps["kiosk"].exports
    assert (track.id, track.interactions, track.prompts) == ("lens.track", {"accept", "impression"}, {"save_offer"})
    assert (sync.id, sync.interactions, sync.prompts) == ("lens.sync", frozenset(), None)


def test_an_export_without_further_words_takes_all_interactions(folder):
    folder.change("connectors.yaml", "track: {interactions: [accept, impression], prompts: [save_offer]}", "track: {}")
    track = folder.load().apps["kiosk"].exports[0]
    assert {"accept", "timeout", "holdout"} <= track.interactions
    assert track.prompts is None


def test_prompts_may_lie_in_several_files(folder):
    folder.write("prompts/more.yaml", "win_back:\n  accept: [{action: shop.cancel}]\n")
    assert set(folder.load().apps["kiosk"].prompts) == {"save_offer", "win_back"}


def test_configuration_is_frozen(folder):
    configuration = folder.load()
    with pytest.raises(FrozenInstanceError):
        configuration.apps["kiosk"].title = "x"
    with pytest.raises(TypeError):
        configuration.apps["kiosk"].prompts["save_offer"].chains["accept"] = ()


def test_version_follows_what_the_files_say_and_neither_comments_nor_secrets(folder):
    first = folder.load()
    folder.environ["SHOP_KEY"] = "another"
    folder.change("prompts.yaml", "save_offer:", "# a comment\nsave_offer:")
    assert folder.load().version == first.version
    folder.change("connectors.yaml", "env:SHOP_KEY", "env:OTHER_KEY")
    folder.environ["OTHER_KEY"] = "another"
    assert folder.load().apps["kiosk"].version != first.apps["kiosk"].version
    assert len(first.apps["kiosk"].version) == 12


def test_overrides_stand_over_settings_of_connectors_that_the_app_has(folder):
    app = folder.load({"shop": {"base_url": "http://127.0.0.1:1"}, "elsewhere": {"x": "y"}}).apps["kiosk"]
    assert app.connectors["shop"].settings.base_url == "http://127.0.0.1:1"
    assert app.version == folder.load().apps["kiosk"].version, "the version tells of the content, which is the same"


def test_secrets_may_come_from_files_beside_the_configuration_and_in_mapping_form(folder):
    (folder.root / "key").write_text("from-file\n")
    folder.change("connectors.yaml", "env:SHOP_KEY", "{file: key}\n    named: {mail: 'env:SHOP_KEY'}")
    settings = folder.load().apps["kiosk"].connectors["shop"].settings
    assert settings.api_key.get_secret_value() == "from-file"
    assert settings.named["mail"].get_secret_value() == "hunter22"


def test_no_secret_is_seen_in_any_form_of_the_configuration(folder):
    assert "hunter22" not in repr(folder.load())


def test_an_inactive_connector_needs_no_secrets_yet(folder):
    folder.write("prompts.yaml", "save_offer: {title: Stay}")
    folder.change("connectors.yaml", "shop:\n", "shop:\n  active: false\n")
    folder.environ.clear()
    assert folder.load().apps["kiosk"].connectors["shop"].active is False


MISTAKES = [
    ("unknown key of an app", "app.yaml", "title:", "titel:",
     "app.yaml:1:1 titel: unknown key 'titel' (did you mean 'title'? allowed: addons, duplicates_window, title)"),
    ("unknown add-on", "app.yaml", "[lens]", "[lens, lense]",
     "app.yaml:2:16 addons[1]: unknown add-on 'lense' (did you mean 'lens'? allowed: lens)"),
    ("add-on not bought", "app.yaml", "addons: [lens]\n", "",
     ("connectors.yaml:5:1 lens: 'lens' is an add-on that this app has not got"
     " (add 'lens' to addons in app.yaml, or set active: false)")),
    ("no length of time", "app.yaml", "12h", "12",
     ("app.yaml:3:20 duplicates_window: no length of time;"
     " write a number with a unit: 500ms, 90s, 15m, 12h, 3d or 2w")),
    ("unknown connector", "connectors.yaml", "shop:", "shopp:",
     "connectors.yaml:1:1 shopp: unknown connector 'shopp' (did you mean 'shop'? allowed: lens, shop)"),
    ("unknown setting", "connectors.yaml", "    api_key", "    regionn: eu\n    api_key",
     ("connectors.yaml:3:5 shop.settings.regionn: unknown key 'regionn'"
     " (did you mean 'region'? allowed: api_key, base_url, named, region)")),
    ("setting not allowed", "connectors.yaml", "    api_key", "    region: eus\n    api_key",
     "connectors.yaml:3:13 shop.settings.region: 'eus' is not allowed (did you mean 'us'? allowed: eu, us)"),
    ("missing setting", "connectors.yaml", "    api_key: env:SHOP_KEY", "    region: eu",
     "connectors.yaml:2:3 shop.settings.api_key: 'api_key' is missing (API key)"),
    ("plain secret", "connectors.yaml", "env:SHOP_KEY", "hunter22",
     ("connectors.yaml:3:14 shop.settings.api_key: a secret must not stand in the file"
     " (write a reference: env:NAME_OF_VARIABLE, file:path/to/secret, vault:secret/data/path#field or sealed:...,"
     " which `prompt-actions secrets seal` makes)")),
    ("plain secret inside a mapping", "connectors.yaml", "env:SHOP_KEY", "env:SHOP_KEY\n    named: {mail: hunter22}",
     ("connectors.yaml:4:19 shop.settings.named.mail: a secret must not stand in the file"
     " (write a reference: env:NAME_OF_VARIABLE, file:path/to/secret, vault:secret/data/path#field or sealed:...,"
     " which `prompt-actions secrets seal` makes)")),
    ("unset variable", "connectors.yaml", "env:SHOP_KEY", "env:SHOP_KEI",
     ("connectors.yaml:3:14 shop.settings.api_key: the environment variable SHOP_KEI is not set"
     " (set it, or mend 'env:SHOP_KEI')")),
    ("signer refuses", "connectors.yaml", "    api_key", "    region: us\n    api_key",
     ("connectors.yaml:2:3 shop.settings: these settings cannot sign a request: the key *** is not from the US"
     " (compare with the vendor's console)")),
    ("limit out of bounds", "connectors.yaml", "rate: 2", "rate: -2",
     "connectors.yaml:4:18 shop.limits.rate: must be greater than or equal to 0 (requests a second, 0 for no limit)"),
    ("unknown export", "connectors.yaml", "track:", "trak:",
     "connectors.yaml:7:5 lens.exports.trak: unknown export 'trak' (did you mean 'track'? allowed: sync, track)"),
    ("unknown interaction of an export", "connectors.yaml", "impression", "impresion",
     ("connectors.yaml:7:36 lens.exports.track.interactions[1]: unknown interaction 'impresion' (did you mean"
     " 'impression'? allowed: accept, custom_goal, decline, dismiss, holdout, impression, secondary_accept, timeout)")),
    ("unknown prompt of an export", "connectors.yaml", "[save_offer]", "[save_ofer]",
     ("connectors.yaml:7:59 lens.exports.track.prompts[0]: unknown prompt 'save_ofer'"
     " (did you mean 'save_offer'? allowed: save_offer)")),
    ("interactions of an attribute sync", "connectors.yaml", "sync:", "sync: {interactions: [accept]}",
     ("connectors.yaml:8:12 lens.exports.sync.interactions: this export follows changes of attributes,"
     " not interactions (leave it out)")),
    ("unknown interaction", "prompts.yaml", "decline:", "declin:",
     ("prompts.yaml:14:3 save_offer.declin: unknown interaction 'declin' (did you mean 'decline'?"
     " allowed: accept, decline, dismiss, secondary_accept, timeout, title)")),
    ("interaction that is only exported", "prompts.yaml", "decline:", "impression:",
     ("prompts.yaml:14:3 save_offer.impression: no actions can be bound to 'impression' (such events are only"
     " exported; bind to accept, secondary_accept, decline, dismiss, timeout)")),
    ("chain that is no list", "prompts.yaml", "decline:\n    - action", "decline:\n      action",
     ("prompts.yaml:15:7 save_offer.decline: expected a list of actions, found a mapping"
     " (begin each with '- action: <connector>.<action>')")),
    ("broken YAML", "prompts.yaml", "{coupon_id: STAY20}", "{coupon_id: STAY20",
     "prompts.yaml:6:14: no valid YAML: did not find expected ',' or '}' (while parsing a flow mapping)"),
    ("unknown action", "prompts.yaml", "shop.cancel", "shop.cancle",
     ("prompts.yaml:11:15 save_offer.accept[2].action: unknown action 'shop.cancle'"
     " (did you mean 'shop.cancel'? allowed: shop.apply_coupon, shop.cancel)")),
    ("unknown connector of an action", "prompts.yaml", "shop.cancel", "shep.cancel",
     ("prompts.yaml:11:15 save_offer.accept[2].action: unknown connector 'shep'"
     " (did you mean 'shop'? allowed: lens, shop)")),
    ("export bound to a prompt", "prompts.yaml", "shop.cancel", "lens.track",
     ("prompts.yaml:11:15 save_offer.accept[2].action: 'lens.track' is an export, not an action"
     " (put it under exports of 'lens' in connectors.yaml)")),
    ("missing parameter", "prompts.yaml", "{coupon_id: STAY20}", "{percent: 5}",
     "prompts.yaml:5:7 save_offer.accept[0].params.coupon_id: 'coupon_id' is missing (Coupon)"),
    ("missing parameters", "prompts.yaml", "      params: {coupon_id: STAY20}\n", "",
     "prompts.yaml:4:7 save_offer.accept[0].params.coupon_id: 'coupon_id' is missing (Coupon)"),
    ("unknown parameter", "prompts.yaml", "STAY20}", "STAY20, percnt: 5}",
     ("prompts.yaml:5:35 save_offer.accept[0].params.percnt: unknown key 'percnt'"
     " (did you mean 'percent'? allowed: coupon_id, percent, plan)")),
    ("parameter out of bounds", "prompts.yaml", "STAY20}", "STAY20, percent: 0}",
     "prompts.yaml:5:44 save_offer.accept[0].params.percent: must be greater than or equal to 1 (Percent)"),
    ("parameter of a wrong kind", "prompts.yaml", "STAY20}", "STAY20, percent: many}",
     ("prompts.yaml:5:44 save_offer.accept[0].params.percent: must be a valid integer,"
     " unable to parse string as an integer (Percent)")),
    ("parameters that exclude one another", "prompts.yaml", "STAY20}", "STAY20, percent: 100, plan: free}",
     "prompts.yaml:5:15 save_offer.accept[0].params: a free plan takes no 100 % coupon"),
    ("unknown error behaviour", "prompts.yaml", "on_error: continue", "on_error: contniue",
     ("prompts.yaml:7:17 save_offer.accept[0].on_error: 'contniue' is not allowed"
     " (did you mean 'continue'? allowed: continue, stop)")),
    ("bad maximum age", "prompts.yaml", "3d", "3 days",
     ("prompts.yaml:6:16 save_offer.accept[0].max_age: no length of time;"
     " write a number with a unit: 500ms, 90s, 15m, 12h, 3d or 2w")),
    ("unknown key of a binding", "prompts.yaml", "order: overtake", "odrer: overtake",
     ("prompts.yaml:13:7 save_offer.accept[2].odrer: unknown key 'odrer' (did you mean 'order'?"
     " allowed: action, id, in_doubt, max_age, on_error, order, params)")),
    ("binding without action", "prompts.yaml", "- action: shop.cancel\n      id", "- id",
     "prompts.yaml:11:7 save_offer.accept[2].action: 'action' is missing"),
    ("two bindings of one id", "prompts.yaml", "the-end", "shop.apply_coupon",
     ("prompts.yaml:12:11 save_offer.accept[2].id: two bindings of this chain have the id 'shop.apply_coupon'"
     " (the other is at prompts.yaml:4)")),
    ("key given twice", "prompts.yaml", "  decline:", "  accept:",
     "prompts.yaml:14:3 save_offer.accept: 'accept' is given twice (first given in line 3; keep one of them)"),
]


@pytest.mark.parametrize(("file", "old", "new", "expected"), [one[1:] for one in MISTAKES],
                         ids=[one[0] for one in MISTAKES])
def test_a_mistake_is_named_with_file_line_field_and_remedy(folder, file, old, new, expected):
    folder.change(file, old, new)
    assert expected in folder.errors()


@pytest.mark.parametrize("word", ["yes", "on", "no", "'true'", "1"])
def test_only_true_and_false_are_truth_values(folder, word):
    folder.change("connectors.yaml", "shop:\n", f"shop:\n  active: {word}\n")
    assert folder.errors() == [
        f"connectors.yaml:2:11 shop.active: '{word.strip(chr(39))}' is no truth value (write true or false)"]


def test_a_truth_value_is_no_number(folder):
    folder.change("prompts.yaml", "STAY20}", "STAY20, percent: true}")
    assert [one.partition(": ")[2] for one in folder.errors()] == ["a truth value is no number (write a number)"]


def test_a_single_mistake_in_a_binding_is_told_once(folder):
    folder.change("prompts.yaml", "STAY20}", "STAY20, percent: 0}")
    assert len(folder.errors()) == 1


def test_a_connector_that_the_app_has_not_set_up_is_named(folder):
    folder.write("connectors.yaml", "lens: {}")
    assert folder.errors()[0] == (
        "prompts.yaml:4:15 save_offer.accept[0].action: connector 'shop' is not set up for this app"
        " (add it with its settings to connectors.yaml)")


def test_a_connector_that_is_not_active_is_named_with_the_place_to_activate_it(folder):
    folder.change("connectors.yaml", "shop:\n", "shop:\n  active: false\n")
    assert folder.errors()[0] == (
        "prompts.yaml:4:15 save_offer.accept[0].action: connector 'shop' is not active for this app"
        " (set active: true at connectors.yaml:1)")


def test_two_prompts_of_one_id_are_named_with_the_place_of_the_other(folder):
    folder.write("prompts/more.yaml", "\nsave_offer:\n  title: Again\n")
    assert folder.errors() == [
        "prompts/more.yaml:1:1 save_offer: two prompts have the id 'save_offer' (the other is at prompts.yaml:1)"]


def test_a_file_of_an_unknown_name_is_a_mistake_since_it_would_be_ignored(folder):
    folder.write("promts.yaml", "x: {}")
    assert folder.errors()[0].startswith("promts.yaml: unknown file (did you mean 'prompts.yaml'?")


def test_a_signing_key_that_breaks_a_token_flow_is_found_and_its_error_text_is_not_shown(folder):
    folder.environ["SHOP_KEY"] = "crooked"
    [error] = folder.errors()
    assert "signing fails with TypeError" in error
    assert "crooked" not in error


def test_a_secret_in_a_validator_s_message_is_masked(folder):
    folder.environ["SHOP_KEY"] = "pk_12345"
    [error] = folder.errors()
    assert "*** is a public key" in error
    assert "pk_12345" not in error


def test_all_mistakes_of_all_files_are_told_at_once(folder):
    folder.change("app.yaml", "title:", "titel:")
    folder.change("connectors.yaml", "rate: 2", "rate: -2")
    folder.change("prompts.yaml", "STAY20}", "STAY20, percent: 0}")
    folder.change("prompts.yaml", "shop.cancel", "shop.cancle")
    folder.change("prompts.yaml", "in_doubt: retry", "in_doubt: perhaps")
    files = [one.split(":")[0] for one in folder.errors()]
    assert files == ["app.yaml", "connectors.yaml", "prompts.yaml", "prompts.yaml", "prompts.yaml"]


def test_a_missing_app_file_is_told(folder):
    (folder.app / "app.yaml").unlink()
    assert folder.errors() == ["app.yaml: cannot be read: No such file or directory"]


def test_a_folder_without_apps_is_told(tmp_path):
    with pytest.raises(ConfigErrors, match="there is no such folder"):
        load(tmp_path, {}, None, {})


def test_an_app_id_that_would_not_fit_into_a_key_is_refused(folder):
    (folder.root / "apps" / "a:b").mkdir()
    (folder.root / "apps" / "a:b" / "app.yaml").write_text("title: x")
    assert any("'a:b' is no id of an app" in one for one in folder.errors())
