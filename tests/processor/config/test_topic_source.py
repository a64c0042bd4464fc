"""What a running process makes of the records on the config topic; the records are brought by hand."""

import pytest

from processor.avro.codec import Codec
from processor.config.content import Compiler
from processor.config.errors import ConfigErrors
from processor.config.records import current_key, kept_key, value_of
from processor.config.store import COMPANY, Version
from processor.config.topic_source import TopicSource
from processor.kafka.config_topic import Told
from processor.settings import ProcessorSettings
from testkit.store_contract import ENVIRON, KIOSK, kiosk

CODEC = Codec()
WRONG = {**KIOSK, "prompts": {"save_offer": {"accept": [{"action": "custom_api.cal"}]}}}


class Topic:
    """Records that a test puts there."""

    def __init__(self):
        self.records = []

    def put(self, name, number, content):
        version = Version(name, number, "0" * 12, 1, "ann", "", content)
        for key in (current_key(name), kept_key(name, number)):
            self.records.append(Told(key, value_of(CODEC, version), f"config:0:{len(self.records)}"))

    def poll(self):
        found, self.records = self.records, []
        return found

    def catch_up(self, *, whole):
        assert whole, "a process begins with all that is there"
        return self.poll()


@pytest.fixture
def topic():
    return Topic()


@pytest.fixture
def source(topic, tmp_path):
    return TopicSource(ProcessorSettings(), Compiler(ENVIRON, tmp_path), topic)


def titles(configuration):
    return {name: app.title for name, app in configuration.apps.items()}


def test_it_begins_with_the_newest_version_of_each_app(topic, source):
    topic.put("kiosk", 1, KIOSK)
    topic.put("kiosk", 2, kiosk("Two"))
    topic.put("booth", 1, kiosk("Booth"))
    topic.put(COMPANY, 1, {"title": "Example"})
    assert titles(source.start()) == {"kiosk": "Two", "booth": "Booth"}
    assert source.poll() is None


def test_a_change_is_told_once_and_leaves_other_apps_the_same_objects(topic, source):
    topic.put("kiosk", 1, KIOSK)
    topic.put("booth", 1, kiosk("Booth"))
    first = source.start()
    topic.put("kiosk", 2, kiosk("Two"))
    change = source.poll()
    assert titles(change.configuration) == {"kiosk": "Two", "booth": "Booth"}
    assert change.configuration.version != first.version
    assert change.configuration.apps["booth"] is first.apps["booth"]
    assert source.poll() is None


def test_a_version_with_mistakes_is_reported_and_what_runs_goes_on(topic, source):
    topic.put("kiosk", 1, KIOSK)
    source.start()
    topic.put("kiosk", 2, WRONG)
    change = source.poll()
    assert change.configuration is None
    assert str(change.errors[0]).startswith(
        "app kiosk, prompts (version 2) save_offer.accept[0].action: unknown action 'custom_api.cal'")
    assert source.poll() is None
    topic.put("kiosk", 3, kiosk("Three"))
    assert titles(source.poll().configuration) == {"kiosk": "Three"}


def test_mistakes_in_one_app_hold_up_no_other(topic, source):
    topic.put("kiosk", 1, KIOSK)
    source.start()
    topic.put("kiosk", 2, WRONG)
    topic.put("booth", 1, kiosk("Booth"))
    assert source.poll().errors
    assert titles(source.poll().configuration) == {"kiosk": "Kiosk", "booth": "Booth"}


def test_rubbish_on_the_topic_is_reported_with_its_place(topic, source):
    topic.put("kiosk", 1, KIOSK)
    source.start()
    topic.records = [Told(b"kiosk", b"rubbish", "config:0:7"), Told(b"kiosk", None, "config:0:8")]
    change = source.poll()
    assert change.configuration is None
    assert str(change.errors[0]).startswith("config:0:7 kiosk: cannot be read: ")
    assert source.poll() is None


def test_a_record_under_the_key_of_another_app_is_no_version(topic, source):
    topic.put("kiosk", 1, KIOSK)
    source.start()
    topic.put("booth", 1, kiosk("Booth"))
    topic.records = [one._replace(key=b"kiosk") for one in topic.records[:1]]
    assert "it is of 'booth'" in str(source.poll().errors[0])


def test_a_process_that_begins_takes_the_newest_version_that_is_sound_and_reports_the_other(topic, source):
    """So that a mistake which nobody could see where it was applied does not stop the next restart."""
    topic.put("kiosk", 1, KIOSK)
    topic.put("kiosk", 2, WRONG)
    assert titles(source.start()) == {"kiosk": "Kiosk"}
    assert "custom_api.cal" in str(source.poll().errors[0])


def test_a_process_does_not_begin_without_an_app_that_should_be_there(topic, source):
    """Its events would all become dead letters of an unknown app."""
    topic.put("booth", 1, kiosk("Booth"))
    topic.put("kiosk", 1, WRONG)
    with pytest.raises(ConfigErrors, match=r"app kiosk, prompts \(version 1\)"):
        source.start()


def test_a_removed_app_goes_and_the_company_changes_nothing(topic, source):
    topic.put("kiosk", 1, KIOSK)
    topic.put("booth", 1, kiosk("Booth"))
    source.start()
    topic.put(COMPANY, 1, {"title": "Example"})
    assert source.poll() is None
    topic.put("kiosk", 2, None)
    assert titles(source.poll().configuration) == {"booth": "Booth"}


def test_an_app_that_was_removed_is_not_brought_back_by_a_restart(topic, source):
    topic.put("kiosk", 1, KIOSK)
    topic.put("kiosk", 2, None)
    assert titles(source.start()) == {}


def test_a_secret_that_is_renewed_in_its_file_is_taken(topic, source, tmp_path):
    (tmp_path / "secret").write_text(ENVIRON["KIOSK_SECRET"])
    content = {**KIOSK, "connectors": {"custom_api": {"settings": {
        **KIOSK["connectors"]["custom_api"]["settings"], "signing_secret": "file:secret"}}}}
    topic.put("kiosk", 1, content)
    source.start()
    (tmp_path / "secret").write_text("whsec_" + "bmV3bmV3" * 5)
    settings = source.poll().configuration.apps["kiosk"].connectors["custom_api"].settings
    assert settings.signing_secret.get_secret_value() == "whsec_" + "bmV3bmV3" * 5
    assert source.poll() is None
    (tmp_path / "secret").write_text("nothing that is one")
    assert "is no signing secret" in str(source.poll().errors[0])
    assert source.poll() is None
