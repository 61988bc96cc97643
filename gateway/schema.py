"""The tables of the database behind journal and outbox."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL, kind TEXT NOT NULL, listener TEXT NOT NULL,
    source TEXT NOT NULL, port INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS cursors (sink TEXT PRIMARY KEY, seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS poison (sink TEXT NOT NULL, seq INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (sink, seq));
CREATE TABLE IF NOT EXISTS retries (
    sink TEXT PRIMARY KEY, seq INTEGER NOT NULL, attempt INTEGER NOT NULL, until_ms INTEGER NOT NULL,
    reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS paused (sink TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS engines (
    engine_id BLOB PRIMARY KEY, boots INTEGER NOT NULL, time_s INTEGER NOT NULL, at_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, idempotency_key TEXT, body BLOB NOT NULL, created_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS audit (number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS commands_key ON commands (idempotency_key) WHERE idempotency_key != '';
"""
# In the order in which they are saved from a damaged file, with the column that orders their rows.
TABLES = {
    "journal": "position",
    "events": "seq",
    "cursors": "rowid",
    "poison": "rowid",
    "retries": "rowid",
    "paused": "rowid",
    "state": "rowid",
    "engines": "rowid",
    "commands": "rowid",
    "audit": "number",
}
