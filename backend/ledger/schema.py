"""The ledger's tables, as the steps from each version to the next."""

from __future__ import annotations

APPLICATION = 0x44564658
"""`PRAGMA application_id`: "DVFX" says that a file is a ledger."""

LEDGER_FILE = "ledger.db"
"""The ledger's name in a service's folder."""

_VERSION_1 = (
    # `serial` is the order of submission, `place` the order in a client's queue, `interrupted` that the job was at
    # work when its worker or the service ended. `events` counts the job's events; their numbers follow from it.
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
        place INTEGER NOT NULL,
        interrupted INTEGER NOT NULL DEFAULT 0,
        created REAL NOT NULL,
        changed REAL NOT NULL,
        UNIQUE (client, token)
    )""",
    "CREATE INDEX jobs_by_state ON jobs (state)",
    """CREATE TABLE events (
        job TEXT NOT NULL REFERENCES jobs (id),
        number INTEGER NOT NULL,
        time REAL NOT NULL,
        event BLOB NOT NULL,
        PRIMARY KEY (job, number)
    ) WITHOUT ROWID""",
    """CREATE TABLE takes (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL REFERENCES jobs (id),
        number INTEGER NOT NULL,
        folder TEXT NOT NULL,
        take BLOB NOT NULL,
        UNIQUE (job, number)
    )""",
    # `turn` grows with every job that a client is given.
    "CREATE TABLE clients (client TEXT PRIMARY KEY, turn INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
)

_VERSION_2 = (
    # `model` finds the takes that estimates are made from; `stamp` tells whether take.json is still the one indexed.
    "ALTER TABLE takes ADD COLUMN model TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE takes ADD COLUMN stamp TEXT NOT NULL DEFAULT ''",
    "UPDATE takes SET model = COALESCE(json_extract(CAST(take AS TEXT), '$.model'), '')",
    "CREATE INDEX takes_by_model ON takes (model)",
)

_VERSION_3 = (
    # A worker numbers what it tells of a job: `heard` is the last such number; a retry begins tale `tale` anew.
    "ALTER TABLE jobs ADD COLUMN heard INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE jobs ADD COLUMN tale INTEGER NOT NULL DEFAULT 1",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2, _VERSION_3)
"""Statements that lead from version n to n + 1. What was released is never changed: later needs are new steps."""
