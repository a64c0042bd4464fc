"""An import over a broker: acknowledged, rejects with reasons, resumable; and the user's attributes as they are."""

import json
import time
import uuid

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Producer, TopicPartition

from processor.attributes import Import, Layout, Stopped
from processor.attributes.position import Position, PositionError, PositionFile
from processor.attributes.rows import rows
from processor.avro.codec import Codec
from processor.cli.main import main
from processor.config.own import load_settings
from processor.kafka.murmur2 import partition_of
from processor.model.attributes import AttributesState
from testkit.kafka.mock import MockKafka

PARTITIONS = 4


@pytest.fixture(scope="session")
def kafka():
    with MockKafka() as mock:
        yield mock.bootstrap_servers


@pytest.fixture
def topics(kafka):
    """Two topics of this test alone, which the mock makes when they are first asked for."""
    made = {role: f"{role}.{uuid.uuid4().hex}" for role in ("attributes", "attributes_changelog")}
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "test", "allow.auto.create.topics": True})
    for name in made.values():
        while len(consumer.list_topics(name, timeout=10).topics[name].partitions) != PARTITIONS:
            time.sleep(0.05)
    consumer.close()
    return made


@pytest.fixture
def environ(kafka, topics, tmp_path):
    app = tmp_path / "config" / "apps" / "shop"
    app.mkdir(parents=True)
    (app / "app.yaml").write_text("title: Shop\n")
    return {"PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS": kafka,
            "PROMPT_ACTIONS_CONFIG_FOLDER": str(tmp_path / "config"),
            **{f"PROMPT_ACTIONS_TOPICS__{role.upper()}": name for role, name in topics.items()}}


@pytest.fixture
def run(environ):
    def command(*arguments, input=None):
        ran = CliRunner().invoke(main, ["attributes", *arguments], env=environ, input=input)
        if ran.exception and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return ran

    return command


@pytest.fixture
def synced(kafka, topics):
    """All changes on the topic, by user, with their partitions."""

    def read():
        consumer = Consumer({"bootstrap.servers": kafka, "group.id": "test", "enable.partition.eof": True})
        consumer.assign([TopicPartition(topics["attributes"], number, 0) for number in range(PARTITIONS)])
        found, ended = [], 0
        while ended < PARTITIONS:
            message = consumer.poll(10)
            assert message is not None
            if message.error():
                ended += 1
            else:
                change = Codec().attributes(message.value())
                assert message.partition() == partition_of(message.key(), PARTITIONS)
                found.append((change.user_id, dict(change.attributes)))
        consumer.close()
        return found

    return read


def file(tmp_path, text, name="users.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_every_good_row_is_acknowledged_in_its_users_partition(run, synced, tmp_path):
    path = file(tmp_path, "user_id,plan\n" + "".join(f"u{one},p{one}\n" for one in range(3000)))
    ran = run("import", str(path), "--app", "shop", "-o", "json")
    assert ran.exit_code == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["sent"], told["rejected"]) == (3000, 0)
    assert "rows a second" in ran.stderr
    assert sorted(synced()) == sorted((f"u{one}", {"plan": f"p{one}"}) for one in range(3000))
    assert list(tmp_path.glob("users.csv.*")) == []


def test_rejected_rows_go_into_a_file_with_reasons_and_the_others_are_sent(run, synced, tmp_path):
    text = '{"user_id":"u1","attributes":{"a":1}}\nnonsense\n{"user_id":"","attributes":{}}\n'
    path = file(tmp_path, text, "u.jsonl")
    rejects = tmp_path / "bad.jsonl"
    ran = run("import", str(path), "--app", "shop", "--rejects", str(rejects))
    assert ran.exit_code == 3
    assert synced() == [("u1", {"a": 1})]
    first, second = map(json.loads, rejects.read_text().splitlines())
    assert (first["line"], first["row"], first["reason"][:10]) == (2, "nonsense", "is no JSON")
    assert (second["line"], "is empty" in second["reason"]) == (3, True)


def test_standard_input_is_read(run, synced):
    ran = run("import", "-", "--app", "shop", input='{"user_id":"u1","attributes":{"a":true}}\n')
    assert ran.exit_code == 0
    assert synced() == [("u1", {"a": True})]
    assert run("import", "-", "--app", "shop", "--resume", input="").exit_code == 2


def test_an_unknown_app_is_refused_before_anything_is_sent(run, synced, tmp_path):
    ran = run("import", str(file(tmp_path, "user_id,a\nu1,b\n")), "--app", "shap")
    assert (ran.exit_code, "did you mean 'shop'?" in ran.stderr) == (2, True)
    assert synced() == []


class Cut(Exception):
    pass


def test_an_interrupted_import_goes_on_where_it_was_acknowledged(run, environ, synced, tmp_path):
    """The first run is cut in the middle; with --resume each row is there, rejects are there once."""
    text = "user_id,plan\n" + "".join("broken\n" if one % 100 == 50 else f"u{one},p\n" for one in range(1000))
    path = file(tmp_path, text)
    keeper = PositionFile(path, f"shop {environ['PROMPT_ACTIONS_TOPICS__ATTRIBUTES']} csv")

    def cut(given):
        for number, row in enumerate(given):
            if number == 600:
                raise Cut
            yield row

    rejects = tmp_path / "users.csv.rejects"
    with path.open("rb") as source, rejects.open("wb") as into:
        job = Import(load_settings(environ), Codec(), Position(), rejects=into, save=keeper.save)
        with pytest.raises(Cut):
            job.run(cut(rows(source, Layout("shop", "csv"))))
    assert keeper.load().sent + keeper.load().rejected == 600
    with rejects.open("ab") as torn:
        torn.write(b"a row that was rejected after the last word of the broker\n")
    ran = run("import", str(path), "--app", "shop", "--resume", "-o", "json")
    told = json.loads(ran.stdout)
    assert (told["sent"], told["rejected"], told["rows_now"]) == (990, 10, 400)
    assert [user for user, _ in sorted(synced())] == sorted(f"u{one}" for one in range(1000) if one % 100 != 50)
    assert [json.loads(line)["line"] for line in rejects.read_text().splitlines()] == [
        one + 2 for one in range(1000) if one % 100 == 50]
    assert not keeper.path.exists()


def test_a_position_of_another_file_is_refused(tmp_path):
    path = file(tmp_path, "user_id,a\nu1,b\n")
    PositionFile(path, "shop").save(Position(5, 2, 1, 0, 0))
    assert PositionFile(path, "shop").load().offset == 5
    with pytest.raises(PositionError, match="another import"):
        PositionFile(path, "other").load()
    path.write_text("user_id,a\nu2,b\n")
    with pytest.raises(PositionError, match="another import"):
        PositionFile(path, "shop").load()


def test_what_no_broker_takes_stops_the_import_with_its_position_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("processor.attributes.importing.DELIVERY_SECONDS", 0.2)
    monkeypatch.setattr("processor.attributes.importing.END_SECONDS", 3)
    settings = load_settings({"PROMPT_ACTIONS_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9"})
    path = file(tmp_path, "user_id,a\nu1,b\n")
    saved = []
    with path.open("rb") as source, pytest.raises(Stopped):
        Import(settings, Codec(), Position(), save=saved.append).run(rows(source, Layout("shop", "csv")))
    assert saved[-1] == Position()


def test_get_shows_the_newest_state_of_the_changelog(run, kafka, topics):
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    for user, state in (("u1", {"plan": "old"}), ("u2", {"plan": "x"}), ("u1", {"plan": "gold", "age": 4})):
        value = Codec().encode_attributes_state(AttributesState(state, 7, 8))
        producer.produce(topics["attributes_changelog"], value, f"shop:{user}".encode())
    producer.produce(topics["attributes_changelog"], None, b"shop:u2")
    producer.flush(10)
    ran = run("get", "shop", "u1", "-o", "json")
    assert json.loads(ran.stdout) == {
        "app": "shop", "user": "u1", "attributes": {"plan": "gold", "age": 4}, "offset": 7, "time": 8}
    assert "gold" in run("get", "shop", "u1", "-o", "table").stdout
    for absent in ("u2", "u3"):
        ran = run("get", "shop", absent)
        assert (ran.exit_code, "nothing is known" in ran.stderr) == (1, True)
