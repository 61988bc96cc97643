"""One connection to a NATS JetStream, for a journal and an outbox that several gateways share."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from ridethrough.gateway.storage.errors import StoreError
from ridethrough.gateway.storage.former_name import former_streams

T = TypeVar("T")

WINDOW = 256  # publications under way at once
TIMEOUT_S = 2.0
DAY_S, MIB = 86_400, 1 << 20
LEASE_S = 3.0  # without renewal, after which what a gateway owned is free


class Layout(NamedTuple):
    """Names and sizes. `replicas` is how many servers keep each message; `duplicate_s` the window for repeats.

    Records and events go after `keep_days`, and the oldest of each above `keep_mib`; None keeps them.
    `chosen`: the site file gives the prefix.
    """

    prefix: str
    partitions: int
    replicas: int
    duplicate_s: float
    keep_days: float | None = None
    keep_mib: float | None = None
    chosen: bool = True

    def raw(self, partition: int | str) -> str:
        """Subject of a partition's records."""
        return f"{self.prefix}.raw.{partition}"

    def events(self, partition: int | str) -> str:
        """Subject below which a partition's events are."""
        return f"{self.prefix}.event.{partition}"


class StreamMessage(NamedTuple):
    """A message as a stream holds it. `headers` is empty where there are none."""

    seq: int
    subject: str
    data: bytes
    headers: Mapping[str, str]


class Publication(NamedTuple):
    """A message that a stream holds once, however often it is published under its identifier."""

    subject: str
    data: bytes
    identifier: str
    headers: Mapping[str, str] = {}


class Consumer(NamedTuple):
    """A consumer of a stream, by its name there, and how many messages stood behind it when it was made."""

    stream: str
    subscription: Any
    name: str
    pending: int


class LeaseLost(StoreError):
    """Another gateway has taken over what this one held a lease of."""


class JetStreamClient:
    """All methods raise StoreError when the server cannot be reached or refuses."""

    def __init__(
        self, login: Callable[[], dict[str, Any]], tls: Callable[[], ssl.SSLContext | None], layout: Layout
    ) -> None:
        self.layout = layout
        self._lease_bucket = f"{layout.prefix}-leases"
        self._login = login
        self._tls = tls
        self._connection: Any = None
        self._jetstream: Any = None
        self._state: Any = None
        self._leases: Any = None
        self.raw_name, self.event_name = f"{layout.prefix}-raw", f"{layout.prefix}-events"

    async def start(self) -> None:
        """Connect, and make what is not there yet."""
        await self._request(self._start(), 5 * TIMEOUT_S)

    async def _start(self) -> None:
        from nats.js.api import KeyValueConfig, StorageType, StreamConfig

        from ridethrough.gateway.net.nats_client import new_client, options

        self._connection = new_client()
        await self._connection.connect(
            **options(self._login, self._tls),
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            connect_timeout=TIMEOUT_S,
            error_cb=_quiet,
        )
        self._jetstream = self._connection.jetstream(timeout=TIMEOUT_S)
        layout, replicas = self.layout, self.layout.replicas
        if not layout.chosen and (problem := await former_streams(self._jetstream, self.raw_name)):
            raise StoreError(problem)
        for name, subject, window in (
            (self.raw_name, layout.raw("*"), layout.duplicate_s),
            (self.event_name, f"{layout.events('*')}.>", 120.0),
        ):
            await self._jetstream.add_stream(
                StreamConfig(
                    name=name,
                    subjects=[subject],
                    storage=StorageType.FILE,
                    num_replicas=replicas,
                    duplicate_window=window,
                    max_age=(layout.keep_days or 0) * DAY_S,
                    max_bytes=-1 if layout.keep_mib is None else round(layout.keep_mib * MIB),
                )
            )
        state = KeyValueConfig(bucket=f"{layout.prefix}-memory", storage=StorageType.FILE, replicas=replicas)
        leases = KeyValueConfig(bucket=self._lease_bucket, storage=StorageType.MEMORY, replicas=replicas)
        leases.ttl = LEASE_S
        self._state = await self._jetstream.create_key_value(state)
        self._leases = await self._jetstream.create_key_value(leases)

    async def stop(self) -> None:
        """Close the connection."""
        if self._connection is not None and not self._connection.is_closed:
            await self._connection.close()

    # --- streams ----------------------------------------------------------------------------------------------

    async def publish(self, items: Sequence[Publication]) -> list[int]:
        """Their numbers in the stream, in order; when this returns, the server has them all."""
        numbers: list[int] = []
        for start in range(0, len(items), WINDOW):
            window = [self._publish(item) for item in items[start : start + WINDOW]]
            numbers += await self._request(asyncio.gather(*window))
        return numbers

    async def _publish(self, item: Publication) -> int:
        headers = {"Nats-Msg-Id": item.identifier, **item.headers}
        ack = await self._jetstream.publish(item.subject, item.data, headers=headers)
        return int(ack.seq)

    async def last(self, stream: str) -> tuple[int, int]:
        """Number of messages in a stream, and the number of the last one."""
        info = await self._request(self._jetstream.stream_info(stream))
        return int(info.state.messages), int(info.state.last_seq)

    async def subject_at(self, stream: str, number: int) -> str | None:
        """The subject of a message; None when there is none of that number."""
        return await self._request(self._subject_of(stream, seq=number))

    async def last_of_subject(self, stream: str, subject: str) -> int | None:
        """The number of the last message of a subject; None when there is none."""
        from nats.js.errors import NotFoundError

        async def find() -> int | None:
            try:
                return int((await self._jetstream.get_msg(stream, subject=subject)).seq)
            except NotFoundError:
                return None

        return await self._request(find())

    async def _subject_of(self, stream: str, **which: Any) -> str | None:
        from nats.js.errors import NotFoundError

        try:
            return str((await self._jetstream.get_msg(stream, **which)).subject)
        except NotFoundError:
            return None

    async def open_consumer(self, stream: str, subject: str, after: int) -> Consumer:
        """A consumer of what is behind `after`; the server forgets it after a minute without a question."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=60.0,
            mem_storage=True,
            num_replicas=1,
        )
        subscription = await self._request(self._jetstream.pull_subscribe(subject, stream=stream, config=config))
        info = await self._request(subscription.consumer_info())
        return Consumer(stream, subscription, str(info.name), int(info.num_pending))

    async def delivered(self, consumer: Consumer) -> int:
        """Number of messages sent to a consumer. Raises StoreError when the server knows it no more."""
        info = await self._request(consumer.subscription.consumer_info())
        return int(info.delivered.consumer_seq)

    async def close_consumer(self, consumer: Consumer) -> None:
        """Remove a consumer. Errors are dropped: the server removes it by itself later."""
        with suppress(Exception):
            async with asyncio.timeout(TIMEOUT_S):
                await consumer.subscription.unsubscribe()
                await self._jetstream.delete_consumer(consumer.stream, consumer.name)

    async def pending(self, stream: str, subject: str, after: int) -> int:
        """Number of messages of a subject behind a number."""
        consumer = await self.open_consumer(stream, subject, after)
        await self.close_consumer(consumer)
        return consumer.pending

    async def subscribe(self, subject: str, notify: Callable[[], None]) -> Any:
        """Call `notify` whenever something is published; `unsubscribe` of the result ends that."""

        async def on_message(_message: Any) -> None:
            notify()

        return await self._request(self._connection.subscribe(subject, cb=on_message))

    # --- state ------------------------------------------------------------------------------------------------

    async def get(self, key: str) -> tuple[bytes, int] | None:
        """A value and its revision."""
        return await self._request(self._entry(self._state, key))

    async def put(self, key: str, value: bytes) -> None:
        """Store a value, whatever was there."""
        await self._request(self._state.put(key, value))

    async def swap(self, key: str, value: bytes, revision: int) -> int:
        """Replace what was read at `revision` (0: nothing); the new revision. Raises LeaseLost when it has changed."""
        from nats.js.errors import KeyWrongLastSequenceError

        async def work() -> int:
            try:
                return int(await self._state.update(key, value, last=revision))
            except KeyWrongLastSequenceError as error:
                raise LeaseLost(f"{self.layout.prefix}: {key} was changed by another gateway") from error

        return await self._request(work())

    async def remove(self, key: str) -> None:
        """Remove a value; its key is listed no more."""
        await self._request(self._state.purge(key))

    async def keys(self, beginning: str) -> list[str]:
        """Keys of values that begin so."""
        return await self._request(self._keys(self._state, beginning))

    # --- leases -----------------------------------------------------------------------------------------------

    async def lease(self, key: str, owner: str) -> bool:
        """Take a lease that is free, or renew our own, for `LEASE_S`; False when another has it."""
        from nats.js.errors import KeyWrongLastSequenceError

        async def work() -> bool:
            entry = await self._entry(self._leases, key)
            if entry is not None and entry[0] != owner.encode():
                return False
            try:
                if entry is None:
                    await self._leases.create(key, owner.encode())
                else:
                    await self._leases.update(key, owner.encode(), last=entry[1])
            except KeyWrongLastSequenceError:
                return False  # somebody was quicker
            return True

        return await self._request(work())

    async def release(self, key: str) -> None:
        """End a lease before its time."""
        await self._request(self._leases.purge(key))

    async def leased(self, beginning: str) -> list[str]:
        """Keys that are leased now and begin so.

        The stream is asked for its subjects: a watcher, as nats-py lists keys with, may wait for ever for the end of a
        list whose keys are renewed meanwhile.
        """

        async def work() -> list[str]:
            prefix = f"$KV.{self._lease_bucket}."
            info = await self._jetstream.stream_info(f"KV_{self._lease_bucket}", subjects_filter=f"{prefix}>")
            keys = sorted(subject.removeprefix(prefix) for subject in info.state.subjects or {})
            # What was given back is still a subject.
            return [key for key in keys if key.startswith(beginning) and await self._entry(self._leases, key)]

        return await self._request(work())

    # --- helpers ----------------------------------------------------------------------------------------------

    @staticmethod
    async def _entry(bucket: Any, key: str) -> tuple[bytes, int] | None:
        from nats.js.errors import KeyNotFoundError

        try:
            entry = await bucket.get(key)
        except KeyNotFoundError:
            return None
        return entry.value or b"", int(entry.revision)

    @staticmethod
    async def _keys(bucket: Any, beginning: str) -> list[str]:
        from nats.js.errors import NoKeysError

        try:
            # What is replaced while it is listed is listed again.
            return sorted({key for key in await bucket.keys() if key.startswith(beginning)})
        except NoKeysError:
            return []

    async def _request(self, work: Awaitable[T], timeout_s: float = 3 * TIMEOUT_S) -> T:
        from nats.errors import Error

        try:
            async with asyncio.timeout(timeout_s):
                return await work
        except StoreError:
            raise
        except (Error, OSError, TimeoutError) as error:
            raise StoreError(f"JetStream {self.layout.prefix}: {type(error).__name__} {error}".rstrip()) from error


async def _quiet(_error: Exception) -> None:
    """Drop errors that nats-py reports besides: each failed call raises its own."""
