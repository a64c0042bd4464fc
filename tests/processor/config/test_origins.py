import pytest

from processor.config.errors import ConfigErrors
from processor.config.origins import origins


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "processor.yaml"
    path.write_text(
        "group: shop\n"
        "kafka:\n"
        "  bootstrap_servers: broker:9092\n"
        "  properties:\n"
        "    sasl.username: me\n"
        "    sasl.password: env:KAFKA_PASSWORD\n"
        "overrides:\n"
        "  stripe: {base_url: http://x}\n")
    return path


def found(file, **environ):
    return {one.setting: (one.value, one.origin.removeprefix(f"{file.parent}/"))
            for one in origins({"KAFKA_PASSWORD": "hunter22", **environ}, file)}


def test_each_setting_names_the_variable_the_line_or_the_default(file):
    told = found(file, PROMPT_ACTIONS_FLOW__BATCH="7", PROMPT_ACTIONS_KAFKA__CONSUMER_PROPERTIES__FETCH_MIN_BYTES="9")
    assert told["group"] == ("shop", "processor.yaml:1")
    assert told["kafka.bootstrap_servers"] == ("broker:9092", "processor.yaml:3")
    assert told["flow.batch"] == (7, "PROMPT_ACTIONS_FLOW__BATCH")
    assert told["kafka.consumer_properties.fetch.min.bytes"] == (
        "9", "PROMPT_ACTIONS_KAFKA__CONSUMER_PROPERTIES__FETCH_MIN_BYTES")
    assert told["drain"] == (40.0, "default")
    assert told["overrides.stripe"] == ({"base_url": "http://x"}, "processor.yaml:8")


def test_the_environment_stands_over_the_file(file):
    assert found(file, PROMPT_ACTIONS_GROUP="other")["group"] == ("other", "PROMPT_ACTIONS_GROUP")


def test_no_secret_is_shown(file):
    told = found(file, PROMPT_ACTIONS_REGISTRY__URL="http://r", PROMPT_ACTIONS_REGISTRY__PASSWORD="hunter23")
    assert told["kafka.properties.sasl.password"] == ("***", "processor.yaml:6")
    assert told["registry.password"] == ("***", "PROMPT_ACTIONS_REGISTRY__PASSWORD")
    assert "hunter" not in str(told)


def test_mistakes_are_told_as_elsewhere(file):
    with pytest.raises(ConfigErrors):
        found(file, PROMPT_ACTIONS_FLOW__BATCH="none")
