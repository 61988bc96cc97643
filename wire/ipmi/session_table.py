"""The sessions of one LAN channel, open and half open, and what was refused there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ridethrough.wire.ipmi.message import Privilege
from ridethrough.wire.ipmi.session import Address, ChannelHost, Drop, Session

SESSION_TIMEOUT_MS = 60_000  # IPMI 2.0 section 6.12.15
HALF_OPEN_MS = 5_000


class SessionTable:
    """Sessions by the number that the BMC gave them. They expire when they are looked at."""

    def __init__(self, host: ChannelHost, random_bytes: Callable[[int], bytes], most: int) -> None:
        self.by_id: dict[int, Session] = {}
        self.most = most
        self.drops: Counter[Drop] = Counter()
        self.refused: Drop | None = None
        self.expires_ms = 0  # before this instant no session is too old
        self._host = host
        self._random = random_bytes

    def drop(self, reason: Drop) -> list[bytes]:
        """No answer, and why."""
        self.note(reason)
        return []

    def note(self, reason: Drop) -> None:
        """Something was refused; `refused` says what, until the next datagram."""
        self.drops[reason] += 1
        self.refused = reason

    def failed(self, session: Session) -> None:
        """Somebody could not prove the password."""
        self.note(Drop.LOGIN)
        if session.account is not None:
            self._host.login_failed(session.account.user_id)

    def expire(self, now_ms: int) -> None:
        """Forget what has been silent too long. Sessions live longer than was last thought, never shorter."""
        if now_ms < self.expires_ms:
            return
        self.expires_ms = now_ms + HALF_OPEN_MS
        for session in list(self.by_id.values()):
            limit = SESSION_TIMEOUT_MS if session.active else HALF_OPEN_MS
            if now_ms - session.touched_ms > limit:
                del self.by_id[session.session_id]
                if session.handshake is not None and not session.active:
                    # Clients that find RAKP message 2 wrong for their password go silent: that is a failed login, too.
                    self.failed(session)
            else:
                self.expires_ms = min(self.expires_ms, session.touched_ms + limit + 1)

    def new(self, peer: Address, limit: Privilege, now_ms: int) -> Session | None:
        """A session about to open; the oldest half-open one makes room. None when all places are taken."""
        if len(self.by_id) >= self.most:
            waiting = [session for session in self.by_id.values() if not session.active]
            if not waiting:
                return None
            del self.by_id[min(waiting, key=lambda session: session.touched_ms).session_id]
        while (session_id := int.from_bytes(self._random(4), "little")) in self.by_id or session_id == 0:
            pass
        session = self.by_id[session_id] = Session(session_id, peer, limit, now_ms)
        return session
