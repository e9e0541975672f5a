"""Space on the ledger's disk that is given up when the disk is full, so that even then a failure can be noted."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import ClassVar

log = logging.getLogger(__name__)


class DiskReserve:
    """A file of `BYTES` bytes that stands for nothing."""

    BYTES: ClassVar[int] = 1_000_000

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = path.exists() and path.stat().st_size == self.BYTES

    def release(self) -> None:
        """Give the space to whoever writes next."""
        self._held = False
        self._path.unlink(missing_ok=True)

    def regain(self) -> None:
        """Take the space again when there is plenty; quick when it is held. A full disk is no error here."""
        try:
            if self._held or shutil.disk_usage(self._path.parent).free < 4 * self.BYTES:
                return
            with open(self._path, "wb") as sink:
                # Random, for some file systems pack bytes that repeat and give no space for them.
                sink.write(os.urandom(self.BYTES))
            self._held = True
        except OSError as error:
            self._path.unlink(missing_ok=True)
            log.warning("no reserve on the ledger's disk: %s", error)
