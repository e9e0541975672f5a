"""Lists the digests of the shipped weights, so that `dynvfx doctor` can detect a damaged installation.

Run after every change of the weights: python -m dynvfx.training.digests
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from dynvfx.backbones.tiny.family import WEIGHTS

LIST = "sha256.json"
KINDS = frozenset((".safetensors", ".json"))
"""What the programs read; documents such as the model card may change without harm."""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 in hexadecimal digits of every weight and configuration file below `folder`, by relative path."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in KINDS and path.name != LIST)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


if __name__ == "__main__":
    (WEIGHTS / LIST).write_text(json.dumps(digests(WEIGHTS), indent=2) + "\n", "utf-8")
