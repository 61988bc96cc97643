"""The core of one gateway of several that share a JetStream: all of them receive, each works off its part.

The journal has partitions, and a device belongs to one of them. A gateway owns a partition by a lease that it renews.
The lease of one that is gone ends after `LEASE_S`, and another goes on from the state that was stored with the last
events. Two that both believe to own a partition cannot both go on: only the last reader of the state may replace it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from uuid import uuid4

import msgspec
import structlog

from ridethrough.gateway.backoff import GrowthSignal
from ridethrough.gateway.build.stages import stage_config
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.correlate import CorrelatorState, Open
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.core import DeliverySet, GatewayCallbacks
from ridethrough.gateway.pipeline.intake import Intake
from ridethrough.gateway.pipeline.partition import Partition, Router
from ridethrough.gateway.pipeline.reload import changes
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.pipeline.standalone import fresh_identity
from ridethrough.gateway.records import Arrival, EngineIdentity, Record, RecordKind, encode_json
from ridethrough.gateway.status import JournalStatus
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.interfaces import EventReader
from ridethrough.gateway.storage.jetstream.client import JetStreamClient, LeaseLost
from ridethrough.gateway.storage.jetstream.journal import JetJournal, append
from ridethrough.gateway.storage.jetstream.outbox import JetOutbox
from ridethrough.mibs import MibTree

log = structlog.get_logger("cluster")

RENEW_S, REBALANCE_S = 0.75, 1.0  # a quarter of a lease's life, and between looks at who has what
RETRY_S = 1.0


class ClusterCore:
    """The core of one gateway of several."""

    def __init__(
        self,
        site: Site,
        tree: MibTree,
        client: JetStreamClient,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        callbacks: GatewayCallbacks,
    ) -> None:
        self._site = site
        self._tree = tree
        self._client = client
        self._unix_ms = unix_ms
        self._metrics = metrics
        self._callbacks = callbacks
        self._name = uuid4().hex
        # Acknowledges informs; events are derived by the owner of the partition.
        self._edge_stages = Stages(stage_config(site), tree)
        self._router = Router(site, self._edge_stages, client.layout.partitions)
        self._arrivals = Intake(callbacks.set_backpressure)
        self._growth = GrowthSignal()
        self._ending = False
        self._owned: dict[int, Partition] = {}
        self._remote_conditions: dict[str, dict[str, Open]] = {}
        self._identity: EngineIdentity | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._counter = 0
        self._write_error = ""

    @property
    def events(self) -> EventReader:
        """All events, of all partitions."""
        return JetOutbox(self._client)

    @property
    def waiting(self) -> int:
        """Number of arrivals that are not written yet."""
        return len(self._arrivals)

    @property
    def write_error(self) -> str:
        """The reason for which nothing can be written; empty when it can."""
        return self._write_error

    def parts(self) -> Sequence[DeliverySet]:
        """The destinations of each partition that this gateway owns now."""
        return [DeliverySet(item.dispatcher, item.forwarder) for item in self._owned.values()]

    async def reload(self, site: Site) -> None:
        """Go on with a changed site. Raises SecretError with nothing changed, and StoreError."""
        changes(self._site, site, self._unix_ms)  # what cannot be done is refused before anything is
        self._edge_stages.reload(stage_config(site))
        for partition in self._owned.values():
            await partition.reload(changes(self._site, site, self._unix_ms), site)
        self._site = site

    def conditions(self) -> dict[str, dict[str, Open]]:
        """Open conditions by device; those of partitions of others as they stood at the last rebalance."""
        found = dict(self._remote_conditions)
        for partition in self._owned.values():
            found |= partition.stages.state.open
        return found

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect, take leases and begin to work. Raises StoreError."""
        await self._client.start()
        self._identity = await self._shared_identity()
        self._edge_stages.set_engine(self._identity)
        await self._client.subscribe(f"{self._client.layout.events('*')}.>", self._callbacks.on_events)
        await self._renew()
        await self._rebalance()
        self._tasks = [
            asyncio.create_task(self._publish(), name="publisher"),
            asyncio.create_task(self._repeat_every(self._renew, RENEW_S), name="leases"),
            asyncio.create_task(self._repeat_every(self._rebalance, REBALANCE_S), name="shares"),
        ]

    async def _shared_identity(self) -> EngineIdentity:
        """One SNMP engine for all, as senders of informs may meet any of them."""
        fresh = fresh_identity(self._unix_ms)
        try:
            await self._client.swap("identity", encode_json(fresh), 0)
        except LeaseLost:
            found = await self._client.get("identity")
            if found is None:
                raise
            return msgspec.json.decode(found[0], type=EngineIdentity)
        return fresh

    async def stop(self) -> None:
        """Publish what was accepted, release the leases and close."""
        self._ending = True
        self._growth.notify()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=10)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._release(number, release=True) for number in list(self._owned)))
        try:
            await self._client.release(f"node.{self._name}")
        except StoreError:
            log.info("lease left to end by itself")
        await self._client.stop()

    async def record(self, position: int, partition: int) -> Record | None:
        """A record by partition and position; None when it is gone. Raises StoreError."""
        journal = JetJournal(self._client, partition)
        try:
            records = await journal.after(position - 1, 1) if partition < self._client.layout.partitions else []
        finally:
            await journal.close()
        return records[0] if records and records[0].position == position else None

    async def status(self) -> JournalStatus:
        """Extent and state of the journal. Raises nothing."""
        layout, reason = self._client.layout, self._write_error
        records = last_position = events = None
        try:
            extent, (events, _) = (
                await self._client.last(self._client.raw_name),
                await self._client.last(self._client.event_name),
            )
            records, last_position = extent
        except StoreError as error:
            reason = reason or str(error)
        return JournalStatus(
            f"JetStream {layout.prefix}",
            durable=True,
            trouble=reason,
            waiting=self.waiting,
            kept_for_destinations=False,
            partitions=layout.partitions,
            owned=sorted(self._owned),
            records=records,
            last_position=last_position,
            events=events,
        )

    # --- receiving ----------------------------------------------------------------------------------------------

    def accept(self, arrivals: Iterable[Arrival]) -> None:
        """Queue arrivals for the journal; returns at once."""
        self._arrivals.extend(arrivals)
        self._growth.notify()

    async def _publish(self) -> None:
        """Append arrivals to the journal; an inform is acknowledged when the stream has it."""
        while self._arrivals or not self._ending:
            grown = self._growth.next
            arrivals = self._arrivals.take()
            if not arrivals:
                await grown.wait()
                continue
            try:
                await append(self._client, [(*self._partition_and_id(item), item) for item in arrivals])
            except StoreError as error:
                self._arrivals.put_back(arrivals)
                if not self._write_error:
                    log.error("cannot publish; informs wait", reason=str(error))  # noqa: TRY400
                self._write_error = str(error)
                await asyncio.sleep(RETRY_S)
                continue
            self._write_error = ""
            for item in arrivals:
                ack = self._edge_stages.ack(item)
                if ack is not None:
                    self._callbacks.send_ack(item, ack)

    def _partition_and_id(self, arrival: Arrival) -> tuple[int, str]:
        """Partition and identifier, which are the same for one datagram received by two gateways."""
        if arrival.kind is RecordKind.DATAGRAM:
            return self._router.partition_of_arrival(arrival), self._router.fingerprint(arrival)
        if arrival.kind is RecordKind.TICK:
            number, _, _ = arrival.listener.partition(" ")
            return int(number), f"tick {number} {arrival.at_ms}"
        self._counter += 1
        return self._router.partition_of_arrival(arrival), f"{self._name} {self._counter}"

    # --- leases -----------------------------------------------------------------------------------------------

    async def _repeat_every(self, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                await work()
            except StoreError as error:
                log.info("leases not looked after", reason=str(error))

    async def _renew(self) -> None:
        """Renew all leases. Nothing else is done here, so that nothing else can make it late."""
        await self._client.lease(f"node.{self._name}", self._name)
        numbers = list(self._owned)
        kept = await asyncio.gather(*(self._client.lease(f"part.{number}", self._name) for number in numbers))
        for number, ours in zip(numbers, kept, strict=True):
            if not ours and number in self._owned:
                self._owned[number].broken = True

    async def _rebalance(self) -> None:
        """Stop partitions whose lease is lost, take free ones up to our share, release the rest. Raises StoreError."""
        nodes = max(1, len(await self._client.leased("node.")))
        share = math.ceil(self._client.layout.partitions / nodes)
        before = set(self._owned)
        for number, partition in list(self._owned.items()):
            if partition.broken:
                await self._release(number, release=False)
        for number in sorted(self._owned)[share:]:
            await self._release(number, release=True)
        for number in range(self._client.layout.partitions):
            wanted = number not in self._owned and len(self._owned) < share
            if wanted and await self._client.lease(f"part.{number}", self._name):
                await self._take(number)
        if before != set(self._owned) or not before:
            log.info("partitions", owned=sorted(self._owned), gateways=nodes)
            await self._callbacks.watch(
                [name for name in self._site.devices if self._router.partition_of(name) in self._owned]
            )
        for partition in self._owned.values():
            await partition.follow_pauses()
        await self._read_other_states()

    async def _take(self, number: int) -> None:
        partition = Partition(number, self._site, self._tree, self._client, self._unix_ms, self._metrics, self._tick)
        if self._identity is None:
            raise RuntimeError("partitions come after the start")
        await partition.start(self._identity)
        self._owned[number] = partition

    async def _release(self, number: int, *, release: bool) -> None:
        await self._owned.pop(number).stop()
        if release:
            try:
                await self._client.release(f"part.{number}")
            except StoreError as error:
                log.info("lease left to end by itself", partition=number, reason=str(error))

    async def _read_other_states(self) -> None:
        """Read open conditions of partitions of others, as they stored them last."""
        found: dict[str, dict[str, Open]] = {}
        for number in range(self._client.layout.partitions):
            if number not in self._owned:
                state = await JetOutbox(self._client, number).peek()
                if state:
                    found |= msgspec.json.decode(state, type=CorrelatorState).open
        self._remote_conditions = found

    def _tick(self, partition: int, at_ms: int) -> None:
        self.accept([Arrival(at_ms, RecordKind.TICK, b"", f"{partition} tick")])
