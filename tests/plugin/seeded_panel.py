"""`python tests/plugin/seeded_panel.py ARGUMENTS`: the real panel, which draws the same seeds whenever it starts."""

from __future__ import annotations

import random
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
secrets.randbelow = random.Random(7).randrange

if __name__ == "__main__":
    from plugin.panel.__main__ import main

    sys.exit(main())
