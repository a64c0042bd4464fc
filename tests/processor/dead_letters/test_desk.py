"""What the desk refuses, and what it says then."""

import pytest

from processor.avro.codec import Codec
from processor.config.own import load_settings
from processor.dead_letters import Actor, Desk, DeskError, Options, Selection


@pytest.mark.parametrize(("source", "where"), [("files", "/apps-of-ours"), ("topic", "topic prompt-actions.config")])
def test_a_replay_without_configuration_says_where_it_was_looked_for(tmp_path, source, where):
    settings = load_settings({
        "PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "PROMPT_ACTIONS_CONFIG_SOURCE": source,
        "PROMPT_ACTIONS_CONFIG_FOLDER": f"{tmp_path}/apps-of-ours"}, None)
    with Desk(settings, Codec(), Actor("olga", "here"), None, tmp_path) as desk, pytest.raises(DeskError, match=where):
        desk.plan(Selection(), Options(), 1.0)
