"""The tables of the database behind journal and outbox.

Records and events stand many to a row (`packed_rows`). A record's mark is when it arrived, in Unix
milliseconds; an event's is the position of its record.
"""

from __future__ import annotations

import sqlite3

FILE_NAME = "ridethrough.sqlite"
# Names in the table `state`: the position up to which the journal was worked off, the state of the stages at that
# position, and the SNMP engine of the gateway.
PROCESSED, CORRELATOR, ENGINE = "processed", "correlator", "engine"
FORM = 1  # of the tables, as the file's user_version says it
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS journal (
    last INTEGER PRIMARY KEY AUTOINCREMENT,
    items INTEGER NOT NULL, mark INTEGER NOT NULL, crc32 INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    last INTEGER PRIMARY KEY AUTOINCREMENT,
    items INTEGER NOT NULL, mark INTEGER NOT NULL, crc32 INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS events_mark ON events (mark);
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
PRAGMA user_version = {FORM};
"""
# In the order in which they are saved from a damaged file, with the column that orders their rows.
TABLES = {
    "journal": "last",
    "events": "last",
    "cursors": "rowid",
    "poison": "rowid",
    "retries": "rowid",
    "paused": "rowid",
    "state": "rowid",
    "engines": "rowid",
    "commands": "rowid",
    "audit": "number",
}


class FormError(sqlite3.DatabaseError):
    """A database of another version."""


def known_form(connection: sqlite3.Connection) -> bool:
    """True when a database has the tables, False when it is empty. Raises FormError for those of another version."""
    form = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if form not in (0, FORM) or (form == 0 and connection.execute("SELECT 1 FROM sqlite_schema").fetchone()):
        raise FormError(
            f"the file was written by another version of Ridethrough (form {form}, this one knows {FORM}); "
            "use another folder, or export the records with that version and import them here"
        )
    return form == FORM
