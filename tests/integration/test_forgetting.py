"""A user who is forgotten is gone from the brokers' disks, once their settings have had their time: here, seconds."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from processor.kafka.murmur2 import partition_of
from testkit.kafka.broker import Broker
from testkit.kafka.errors import NoKafka
from testkit.kafka.fresh import FreshTopics
from testkit.kafka.local import LocalKafka
from testkit.processor import apps
from testkit.processor.apps import event
from testkit.processor.process import COMMAND
from testkit.processor.site import PARTITIONS, Site
from testkit.vendors import credentials

pytestmark = pytest.mark.broker
CANARY = "canary-91c4@forget.example"
BROKER = {"log.cleaner.backoff.ms": "200", "log.retention.check.interval.ms": "500", "log.initial.task.delay.ms": "500",
          "log.cleaner.threads": "1"}
ALL = {"segment.ms": "1000", "file.delete.delay.ms": "100"}
COMPACTED = {"max.compaction.lag.ms": "1500", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "100"}
DELETED = {"retention.ms": "4000"}
"""As `config/topics.yaml` has them in days."""
PLAIN = json.dumps({"compression.type": "none"})
"""So that what is on the disk can be read there."""
SECONDS = 90


@pytest.fixture
def kafka():
    try:
        with LocalKafka(extra=BROKER) as running:
            yield running
    except NoKafka as error:
        pytest.skip(str(error))


@pytest.fixture
def site(kafka, tmp_path, vendors, vendor_server):
    topics = FreshTopics(Broker(kafka.bootstrap_servers, "local", kafka), "forget")
    made = Site(topics, tmp_path, environ=dict(credentials.environment(vendor_server.base_url)), join_grace=2,
                kafka__producer_properties=PLAIN, checkpoint__interval=0.05)
    topics.make("audit", partitions=1)
    made.topics["audit"] = "forget.audit"
    hasten(made)
    made.configure(apps.one_app(vendors.url))
    yield made
    made.close()


def hasten(site):
    """Days become seconds."""
    compacted = {"dead_letters", "attributes_changelog", "chains"}
    admin = AdminClient({"bootstrap.servers": site.servers})
    wanted = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=[
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        for key, value in {**ALL, **(COMPACTED if role in compacted else DELETED)}.items()])
        for role, name in site.topics.items() if role != "audit"]
    for done in admin.incremental_alter_configs(wanted).values():
        done.result(30)


def on_disk(kafka):
    """Topics whose files hold the user's address."""
    return sorted({path.parent.name.rpartition("-")[0] for path in (kafka.folder / "log").rglob("*.log*")
                   if path.is_file() and CANARY.encode() in path.read_bytes()})


def neighbours():
    """Users of each partition: their records close the files that the forgotten one's lie in."""
    found = {}
    for number in range(1000):
        found.setdefault(partition_of(f"alpha:n{number}".encode(), PARTITIONS), f"n{number}")
    return list(found.values())


def go_on(site, number):
    """Everyday traffic of others, on every topic."""
    users = neighbours()
    site.sync("alpha", {user: {"plan": str(number)} for user in users})
    now = int(time.time() * 1000)
    site.publish(*(event(1000 * number + at, user, "account", time=now) for at, user in enumerate(users)))


def test_nothing_of_a_forgotten_user_stays_on_the_brokers_disks(site, kafka):
    processor = site.started()
    site.sync("alpha", {"u1": {"email_address": CANARY}})
    site.publish(event(1, "u1", "account", time=int(time.time() * 1000)))
    processor.until(lambda: processor.metric("dead_letters_total") == 1, what="a letter")
    wanted = {"forget.dead_letters", "forget.attributes_changelog", "forget.attributes"}
    written = time.monotonic() + 30  # the metric counts a letter before its checkpoint is on the broker's disk
    while not wanted <= set(on_disk(kafka)) and time.monotonic() < written:
        time.sleep(0.2)
    assert wanted <= set(on_disk(kafka))
    done = subprocess.run([*COMMAND[:-1], "users", "forget", "alpha", "u1", "--yes", "-o", "json"], text=True,
                          env=site.environment("desk"), capture_output=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["letters"] == 1
    end, number = time.monotonic() + SECONDS, 0
    while (left := on_disk(kafka)) and time.monotonic() < end:
        number += 1
        go_on(site, number)
        time.sleep(1)
    assert left == []
