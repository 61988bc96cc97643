// What the console says, in English, and in Japanese where a word is known. Names of devices, states, objects and
// events are those of the interfaces, and stay as they are.

const JAPANESE = {
  "Overview": "概要", "Devices": "装置", "Events": "イベント", "Delivery": "配信", "Power groups": "電源制御グループ",
  "Power": "電源", "connecting": "接続中", "connected": "接続済み", "no connection, trying again": "切断、再接続中",
  "Nothing has happened yet.": "まだ何も起きていません。", "No such page.": "ページがありません。",
  "no answer": "応答なし", "sent": "送信しました", "Cancel": "キャンセル", "Do it": "実行",
  "Really": "本当に実行しますか", "Send": "送信", "Inject": "入力", "Command": "コマンド", "Input": "入力",
  "device": "装置", "kind": "種類", "address": "アドレス", "heard": "受信", "conditions": "状態異常", "group": "グループ",
  "never": "なし", "no condition": "異常なし", "The site file names no devices.": "サイトファイルに装置がありません。",
  "Readings": "計測値", "Over time": "推移", "Objects": "オブジェクト", "Sensors": "センサー", "Log": "イベントログ",
  "State": "状態", "search": "検索", "name": "名称", "value": "値", "type": "型", "writable": "書込", "yes": "可",
  "limits": "しきい値", "sensor": "センサー", "time": "時刻", "text": "内容", "nothing": "なし",
  "severity": "重大度", "all": "すべて", "Open conditions": "発生中の状態", "Cleared conditions": "解消した状態", "cleared": "解消時刻", "since": "発生時刻", "evidence": "根拠",
  "sink": "配信先", "backlog": "残り", "last error": "直近のエラー", "actions": "操作", "Pause": "停止", "Resume": "再開",
  "Redeliver": "再配信", "clients": "接続数", "paused": "停止中", "delivered": "配信済み", "No destinations.": "配信先がありません。",
  "Tree": "構成", "Status": "状態一覧", "This rig has no power-control groups.": "電源制御グループがありません。",
  "arguments": "引数", "charge": "充電率", "load": "負荷", "input": "入力電圧", "seconds ago": "秒前", "Off": "切", "On": "入",
  "Scenarios": "シナリオ", "scenario": "シナリオ", "speed": "速度", "Run": "実行", "Stop": "中止", "started": "開始しました",
  "as fast as it can": "最速", "20 times": "20倍", "5 times": "5倍", "as in reality": "実時間", "Expectations": "期待",
  "expectation": "期待", "seen": "結果", "What happened": "経過", "done by the scenario": "シナリオによる操作", "held": "成立",
  "failed": "不成立", "Every expectation held.": "すべての期待が成立しました。", "Not every expectation held.": "成立しない期待があります。",
  "Stopped before its end.": "途中で中止しました。", "Report": "レポート", "Serial console": "シリアルコンソール",
  "Token of the gateway": "ゲートウェイのトークン",
  "line": "電圧", "output": "出力電圧", "runtime": "運転可能時間", "log": "ログ", "faults": "故障", "link": "連携",
  "on line": "商用運転", "on battery": "バッテリー運転", "boost": "昇圧", "trim": "降圧", "overload": "過負荷",
  "replace battery": "バッテリー交換", "lamps": "ランプ", "lit": "点灯", "dark": "消灯",
  "octet": "位置", "octets": "長さ", "journal": "ジャーナル",
  "Output off": "出力OFF", "Output on": "出力ON", "Recovery starts": "回復開始", "Recovery ends": "回復終了",
};

function chosen() {
  const kept = localStorage.getItem("language");
  if (kept === "ja" || kept === "en") return kept;
  return navigator.language.startsWith("ja") ? "ja" : "en";
}

export const language = chosen();

export function t(text) {
  return language === "ja" ? JAPANESE[text] ?? text : text;
}

export function choose(code) {
  localStorage.setItem("language", code);
  location.reload();
}
