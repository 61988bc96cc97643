"""The JetStream that several gateways share."""

from __future__ import annotations

from ridethrough.gateway.config.secrets import client_tls, nats_login
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.storage.jetstream.client import JetStreamClient, Layout


def jetstream_of(site: Site) -> JetStreamClient | None:
    """The JetStream that the site's gateways share; None when this one is alone. Raises SecretError."""
    config = site.journal.jetstream
    if config is None:
        return None
    where = "journal.jetstream"
    chosen = "prefix" in config.model_fields_set
    days, mib = site.journal.keep_days, site.journal.keep_mib
    layout = Layout(config.prefix, config.partitions, config.replicas, config.duplicate_s, days, mib, chosen)
    return JetStreamClient(nats_login(where, config.login), client_tls(f"{where}.login", config.login.tls), layout)
