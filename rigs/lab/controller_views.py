"""Tables of what stand-in controllers' own consoles show beside the status table: windows, settings, statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ridethrough.rigs.lab.group_status import Language

TableName = Literal["gui", "settings", "statistics"]
Rows = list[list[str]]
Snapshots = Sequence[Mapping[str, Any]]
"""Rows of the controllers, as /lab/v1/controllers has them."""


class ConsoleTable(NamedTuple):
    """A table in a language of the documents."""

    title: str
    columns: list[str]
    rows: Rows


TITLES: dict[TableName, dict[Language, str]] = {
    "gui": {"ja": "ESMPRO/AC GUI", "en": "ESMPRO/AC GUI"},
    "settings": {"ja": "SNMP設定情報", "en": "SNMP settings"},
    "statistics": {"ja": "統計情報", "en": "statistics"},
}
# Columns of the window of 001 7.2 and 003 1.8.3.3, by the keys of a snapshot.
GUI = {
    "cluster": {"ja": "クラスタ名", "en": "cluster"},
    "linkage": {"ja": "クラスタ連携", "en": "cluster linkage"},
    "linked_servers": {"ja": "クラスタ連携サーバ名", "en": "linked servers"},
    "automatic_running": {"ja": "自動運転の状態", "en": "automatic running"},
    "device": {"ja": "自動運転装置", "en": "device"},
    "service": {"ja": "サービスの状態", "en": "service"},
    "ups_switch": {"ja": "UPSスイッチ", "en": "UPS switch"},
    "on_factors": {"ja": "投入監視要因", "en": "switch-on by"},
    "off_factors": {"ja": "切断監視要因", "en": "switch-off by"},
    "next_on": {"ja": "投入監視時刻", "en": "next switch-on"},
}
WORDS = {"実行中": "running", "停止中": "stopped", "正常運転": "normal", "スケジュール": "schedule"}
# Lines of the dialog of 003 1.7.4.3(19); in English the names of the command's settings.
FIELDS = {
    "model": "UPS型名",
    "serial": "シリアル番号",
    "firmware": "FW Rev.",
    "name": "名称",
    "shutoff_delay_s": "電源切断猶予時間",
    "return_delay_s": "Disk保護時間",
    "high_transfer_v": "許容電圧(上限)",
    "low_transfer_v": "許容電圧(下限)",
    "sensitivity": "電源異常検出感度",
    "buzzer": "異常発生時のブザータイミング",
    "buzzer_timer_s": "異常検出時のブザータイマ",
    "self_test": "自動バッテリーテストパターン",
    "min_return_percent": "復電reboot時の最低充電率",
    "low_battery_s": "LowBattery検出後の動作可能時間",
    "discharge_s": "UPS停止後のバッテリー放電時間",
    "sleep_s": "sleep_s",
}
STATISTICS = {
    "input_v": {"ja": "in[V]", "en": "in[V]"},
    "output_v": {"ja": "out[V]", "en": "out[V]"},
    "load_percent": {"ja": "負荷[%]", "en": "load[%]"},
    "charge_percent": {"ja": "充電率[%]", "en": "charge[%]"},
    "celsius": {"ja": "温度[℃]", "en": "°C"},
}


def _of(controllers: Snapshots, key: str) -> Iterator[tuple[str, Any]]:
    for controller in controllers:
        yield from (controller.get(key) or {}).items()


def _gui(controllers: Snapshots, language: Language) -> tuple[list[str], Rows]:
    def cell(value: Any) -> str:
        words = map(str, value if isinstance(value, list) else [value])
        return ", ".join(WORDS.get(word, word) if language == "en" else word for word in words)

    columns = [{"ja": "サーバ名", "en": "server"}[language], *(column[language] for column in GUI.values())]
    return columns, [
        [name, *(cell(window[key]) for key in GUI)] for name, window in _of(controllers, "gui") if window is not None
    ]


def _settings(controllers: Snapshots, language: Language) -> tuple[list[str], Rows]:
    found = {ups: {**row, **row["settings"]} for ups, row in _of(controllers, "settings")}
    columns = [{"ja": "項目", "en": "setting"}[language], *found]
    if not found:
        return columns, []
    labels = FIELDS if language == "ja" else dict(zip(FIELDS, FIELDS, strict=True))
    return columns, [[label, *(str(row.get(key, "")) for row in found.values())] for key, label in labels.items()]


def _statistics(controllers: Snapshots, language: Language) -> tuple[list[str], Rows]:
    heads = {"ja": ["名称", "採取数", "最終採取"], "en": ["UPS", "samples", "last"]}[language]

    def cell(row: Mapping[str, Any], key: str) -> str:
        if key not in row["lowest"]:
            return ""
        last = row["last"][key]
        return f"{'-' if last is None else last} ({row['lowest'][key]}..{row['highest'][key]})"

    rows = [
        [ups, str(row["samples"]), row["last"]["at"], *(cell(row, key) for key in STATISTICS)]
        for controller in controllers
        for ups, row in ((controller.get("statistics") or {}).get("ups") or {}).items()
    ]
    return [*heads, *(column[language] for column in STATISTICS.values())], rows


_MAKERS: dict[TableName, Callable[[Snapshots, Language], tuple[list[str], Rows]]] = {
    "gui": _gui,
    "settings": _settings,
    "statistics": _statistics,
}


def view(name: TableName, controllers: Snapshots, language: Language) -> ConsoleTable:
    """Return one table; without rows where no controller has any."""
    return ConsoleTable(TITLES[name][language], *_MAKERS[name](controllers, language))


def views(controllers: Snapshots, language: Language) -> list[ConsoleTable]:
    """Return the tables that have rows."""
    made = (view(name, controllers, language) for name in _MAKERS)
    return [table for table in made if table.rows]
