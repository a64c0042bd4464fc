"""Gives one group shorter sessions than its broker has, so that tests miss a killed member sooner."""

from __future__ import annotations

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

ADMIN_SECONDS = 30.0


def shorten(servers: str, group: str, seconds: float) -> bool:
    """Let the broker miss this group's members after so long; False where it allows no such thing."""
    wanted = {"consumer.session.timeout.ms": seconds * 1000, "consumer.heartbeat.interval.ms": seconds * 1000 / 8}
    entries = [ConfigEntry(name, str(int(value)), incremental_operation=AlterConfigOpType.SET)
               for name, value in wanted.items()]
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    [future] = admin.incremental_alter_configs(
        [ConfigResource(ResourceType.GROUP, group, incremental_configs=entries)]).values()
    try:
        future.result(ADMIN_SECONDS)
    except KafkaException:
        return False
    return True
