"""The window of ESMPRO/AC on each server: cluster linkage and the state of automatic running (001 7.2, 003 1.8.3.3)."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from ridethrough.rigs.controllers.actions import is_up
from ridethrough.rigs.controllers.esmpro_ac.calendar import upcoming
from ridethrough.rigs.controllers.esmpro_ac.host import ControllerHost

ONLINE = "online"
SCHEDULE, LAN = "スケジュール", "LAN"


class Gui:
    """The windows of all servers of the tree, by server."""

    def __init__(self, host: ControllerHost) -> None:
        self._host = host
        self._zone = ZoneInfo(host.config.timezone)

    def row(self) -> dict[str, Any]:
        """The fields of each window, with the words of the documents; null for a server that is down."""
        client = self._host.client
        return {
            server: self._window(server) if is_up(client, server) else None for server in self._host.topology.members
        }

    def _window(self, server: str) -> dict[str, Any]:
        cluster, nodes = self._linkage(server)
        local = self._is_local(server)
        on = [turn for turn in self._host.config.schedule if turn.do == "on" and server in turn.servers]
        off = [turn for turn in self._host.config.schedule if turn.do == "off" and server in turn.servers]
        lan_off = self._host.config.lan_off
        due = upcoming(on, self._host.config.holidays, self._zone, self._host.client.now())
        return {
            "cluster": cluster,  # クラスタ名
            "linkage": "ON" if cluster else "OFF",  # クラスタ連携
            "linked_servers": nodes,  # クラスタ連携サーバ名
            "automatic_running": "停止中" if local else "実行中",  # 自動運転の状態
            "device": self._device(server),  # 自動運転装置
            "service": "正常運転",  # サービスの状態
            "ups_switch": "LOCAL" if local else "AUTO",  # UPSスイッチ
            "on_factors": [SCHEDULE] if on else [],  # 投入監視要因
            "off_factors": [
                *([SCHEDULE] if off else []),
                *([LAN] if lan_off is not None and server in lan_off.servers else []),
            ],  # 切断監視要因
            "next_on": "" if due is None else f"{due.at.astimezone(self._zone):%Y/%m/%d %H:%M}",  # 投入監視時刻
        }

    def _linkage(self, server: str) -> tuple[str, list[str]]:
        """Cluster and servers, once all of them work in it: it is not shown right after a start, nor in an abnormal
        state (001 7.2).
        """
        cluster = self._host.topology.cluster_of(server)
        if cluster is None:
            return "", []
        nodes: dict[str, str] = self._host.client.state(cluster, "nodes") or {}
        return (cluster, list(nodes)) if nodes and set(nodes.values()) == {ONLINE} else ("", [])

    def _device(self, server: str) -> str:
        feeds, plant = self._host.topology.feeds(server), self._host.context.plant
        if any(feed in plant.intelligent_ups for feed in feeds):
            return "I-UPS"
        return "S-UPS" if any(feed in plant.ups for feed in feeds) else ""

    def _is_local(self, server: str) -> bool:
        """The switch of the server's I-UPS, which stops automatic running (003 1.6.7(4))."""
        plant = self._host.context.plant
        return any(
            feed in plant.intelligent_ups and self._host.client.state(feed, "switch") == "local"
            for feed in self._host.topology.feeds(server)
        )
