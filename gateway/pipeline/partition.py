"""A partition of the shared journal at the gateway that owns it, and which partition everything belongs to."""

from __future__ import annotations

import asyncio
import hashlib
import random
import zlib
from collections.abc import Callable

import structlog

from ridethrough.gateway.backoff import GrowthSignal
from ridethrough.gateway.build.destinations import forwards_of, sinks_of
from ridethrough.gateway.build.stages import stage_config
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.decode import decode_observation
from ridethrough.gateway.decode.snmp import without_request_id
from ridethrough.gateway.deliver import Dispatcher
from ridethrough.gateway.deliver.convert import SenderPolicy
from ridethrough.gateway.deliver.forward import Forwarder
from ridethrough.gateway.metrics import Metrics
from ridethrough.gateway.pipeline.reload import Changes, apply
from ridethrough.gateway.pipeline.runner import SLICE, StageRunner
from ridethrough.gateway.pipeline.stages import Stages
from ridethrough.gateway.records import Arrival, EngineIdentity, RecordKind
from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.jetstream.client import JetStreamClient, LeaseLost
from ridethrough.gateway.storage.jetstream.journal import JetJournal
from ridethrough.gateway.storage.jetstream.outbox import JetOutbox
from ridethrough.mibs import MibTree

log = structlog.get_logger("cluster")

POLL_S = 1.0  # a message that announced a record may itself be lost


class Router:
    """Assigns devices, strangers and datagrams to partitions; the same at every gateway of a site."""

    def __init__(self, site: Site, edge_stages: Stages, partitions: int) -> None:
        self._edge_stages = edge_stages
        self._partitions = partitions
        # Devices behind one thing are correlated together, so one gateway must know them all.
        self._keys = {
            name: f"behind {device.behind}" if device.behind else name for name, device in site.devices.items()
        }

    def partition_of(self, name: str) -> int:
        """The partition of a device, or of a stranger's address."""
        return zlib.crc32(self._keys.get(name, name).encode()) % self._partitions

    def partition_of_arrival(self, arrival: Arrival) -> int:
        """The partition of a datagram or an observation."""
        if arrival.kind is RecordKind.OBSERVATION:
            return self.partition_of(decode_observation(arrival.data).device)
        return self.partition_of(self._edge_stages.sender(arrival))

    @staticmethod
    def fingerprint(arrival: Arrival) -> str:
        """An identifier that is the same for one datagram of a device at two gateways."""
        return hashlib.sha256(arrival.source.encode() + b" " + without_request_id(arrival.data)).hexdigest()[:32]


class Partition:
    """Reads records, derives events, delivers and forwards, until it is stopped or another gateway takes over."""

    def __init__(
        self,
        number: int,
        site: Site,
        tree: MibTree,
        client: JetStreamClient,
        unix_ms: Callable[[], int],
        metrics: Metrics,
        tick: Callable[[int, int], None],
    ) -> None:
        self.number = number
        self.stages = Stages(stage_config(site), tree)
        self.broken = False
        self._client = client
        self._journal = JetJournal(client, number)
        self._outbox = JetOutbox(client, number)
        self._runner = StageRunner(
            self.stages, self._outbox, unix_ms, metrics, self._on_events, lambda at_ms: tick(number, at_ms)
        )
        self.dispatcher = Dispatcher(self._outbox, sinks_of(site, lambda: unix_ms() // 1000), random.random, unix_ms)
        policy = SenderPolicy(lambda: self.stages.communities, self.stages.read)
        forwards = forwards_of(site, unix_ms)
        self.forwarder = Forwarder(
            self._outbox, lambda: JetJournal(client, number).after, forwards, policy, random.random
        )
        self._growth = GrowthSignal()
        self._subscription: object = None
        self._ending = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, identity: EngineIdentity) -> None:
        """Load the state that the last owner stored, and begin. Raises StoreError."""
        self.stages.set_engine(identity)
        self._subscription = await self._client.subscribe(self._client.layout.raw(self.number), self._on_records)
        position = await self._runner.resume(self._journal)
        self._task = asyncio.create_task(self._run(position), name=f"partition-{self.number}")
        self.dispatcher.start()
        await self.forwarder.start((await self._journal.extent())[1], identity)

    async def stop(self) -> None:
        """Finish what is under way, and close."""
        self._ending = True
        self._growth.notify()
        self._runner.disarm()
        if self._task is not None:
            await self._task
        await self.dispatcher.stop()
        await self.forwarder.stop()
        for closing in (getattr(self._subscription, "unsubscribe", None), self._journal.close, self._outbox.close):
            if closing is not None:
                try:
                    await closing()
                except Exception as error:  # the server is gone, and with it what was to be closed
                    log.debug("not closed", reason=str(error))

    async def reload(self, what: Changes, site: Site) -> None:
        """Go on with a changed file. Raises SecretError and StoreError."""
        self.stages.reload(stage_config(site))
        await apply(what, self.dispatcher, self.forwarder, (await self._journal.extent())[1])

    async def follow_pauses(self) -> None:
        """Pause and resume destinations as the stored state says, which another gateway may have changed."""
        for worker in self.dispatcher.workers.values():
            if await worker.cursor.is_paused() != worker.paused:
                await (worker.resume() if worker.paused else worker.pause())
        await self.forwarder.follow_pauses()

    def _on_records(self) -> None:
        self._growth.notify()
        self.forwarder.notify()

    def _on_events(self) -> None:
        self.dispatcher.notify()

    async def _run(self, position: int) -> None:
        while not self._ending:
            grown = self._growth.next
            try:
                records = await self._journal.after(position, SLICE)
                if records:
                    await self._runner.process(records)
                    position = records[-1].position
                    continue
            except LeaseLost as error:
                log.info("partition left to another gateway", partition=self.number, reason=str(error))
                self.broken = True
                return
            except StoreError as error:
                log.info("partition waits", partition=self.number, reason=str(error))
                await asyncio.sleep(POLL_S)
                position = await self._resume_or_stay(position)
                continue
            try:
                async with asyncio.timeout(POLL_S):
                    await grown.wait()
            except TimeoutError:
                continue

    async def _resume_or_stay(self, position: int) -> int:
        """After an error: the state in memory may be ahead of what was stored, so it is loaded again."""
        try:
            return await self._runner.resume(self._journal)
        except StoreError:
            return position
