"""What an operator's tools read: `/metrics` in Prometheus' text form."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storage import outbox
from storage.db import Database


class _Outbox(Collector):
    def __init__(self, db: Database) -> None:
        self._db = db

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("seamark_outbox_items", "Deliveries by state", labels=["state"])
        with self._db.reading() as session:
            for state, count in outbox.counts(session).items():
                family.add_metric([state], count)
        yield family


def text(db: Database) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Outbox(db))
    return generate_latest(registry)
