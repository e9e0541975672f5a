"""A worker from the fork server: `python -m tests.backend.service.forked_worker`."""

from __future__ import annotations

import sys

from tests.backend.service.fork_server import ask

if __name__ == "__main__":
    sys.exit(ask())
