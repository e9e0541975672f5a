"""`python tests/plugin/seeded_panel.py ARGUMENTS`: the real panel, which draws the same seeds whenever it starts.

DYNVFX_TEST_SEED chooses which: the same clip with the same seed is the same take.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
secrets.randbelow = random.Random(os.environ.get("DYNVFX_TEST_SEED", "")).randrange

if __name__ == "__main__":
    from plugin.panel.__main__ import main

    sys.exit(main())
