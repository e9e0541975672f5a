"""The ledger's tables."""

from __future__ import annotations

APPLICATION = 0x44564658
"""`PRAGMA application_id`: "DVFX" says that a file is a ledger."""

VERSION = 1
"""`PRAGMA user_version`."""

LEDGER_FILE = "ledger.db"
"""The ledger's name in a service's folder."""

TABLES = (
    # `serial` is the order of submission, `place` the order in a client's queue, `interrupted` that the job was at
    # work when its worker or the service ended. `events` counts the job's events; their numbers follow from it.
    # A worker numbers what it reports in a journal: `recorded` is the last number that is among the events; each retry
    # begins journal `journal` anew.
    """CREATE TABLE jobs (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        client TEXT NOT NULL,
        token TEXT NOT NULL,
        state TEXT NOT NULL,
        spec BLOB NOT NULL,
        plan BLOB,
        source TEXT NOT NULL,
        model TEXT NOT NULL,
        output TEXT NOT NULL,
        device TEXT,
        footprint TEXT NOT NULL,
        failure BLOB,
        attempt INTEGER NOT NULL DEFAULT 1,
        deaths INTEGER NOT NULL DEFAULT 0,
        events INTEGER NOT NULL DEFAULT 0,
        journal INTEGER NOT NULL DEFAULT 1,
        recorded INTEGER NOT NULL DEFAULT 0,
        place INTEGER NOT NULL,
        interrupted INTEGER NOT NULL DEFAULT 0,
        created REAL NOT NULL,
        changed REAL NOT NULL,
        UNIQUE (client, token)
    )""",
    "CREATE INDEX jobs_by_state ON jobs (state)",
    # `event` is in MessagePack, as the worker encoded it and as clients get it; `kind` is its type's name.
    """CREATE TABLE events (
        job TEXT NOT NULL REFERENCES jobs (id),
        number INTEGER NOT NULL,
        time REAL NOT NULL,
        kind TEXT NOT NULL,
        event BLOB NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID""",
    # `model` finds the takes that estimates are made from; `stamp` is another one when take.json was replaced.
    """CREATE TABLE takes (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL REFERENCES jobs (id),
        number INTEGER NOT NULL,
        folder TEXT NOT NULL,
        take BLOB NOT NULL,
        model TEXT NOT NULL,
        stamp TEXT NOT NULL,
        UNIQUE (job, number)
    )""",
    "CREATE INDEX takes_by_model ON takes (model)",
    # `turn` grows with every job that a client is given.
    "CREATE TABLE clients (client TEXT PRIMARY KEY, turn INTEGER NOT NULL) WITHOUT ROWID",
    # What is true of the whole queue, by name: "paused".
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
)
