"""What went wrong with an installation, in a paragraph. Standard library only."""

from __future__ import annotations

import re
import sys

# Measured: 6.1 GB with CUDA's libraries, which PyPI's torch brings along on Linux; far less elsewhere.
DISK_NEEDED = 7_000_000_000 if sys.platform == "linux" else 3_000_000_000
NETWORK_SIGNS = re.compile(
    "dns error|name resolution|could not connect|error sending request|failed to fetch|connection refused|"
    "connecttimeout|network is unreachable|newconnectionerror|timed out"
)


def explain_failure(words: str, free: int) -> str:
    """One paragraph about a failed installation, from the installer's last `words` and the `free` bytes on the disk."""
    lowered = words.lower()
    if "no space left" in lowered or "disk full" in lowered or free < 300_000_000:
        return (
            f"The installation stopped because the disk is full ({free / 1e9:.1f} GB free, {DISK_NEEDED / 1e9:.0f} GB "
            "needed). Make room and run the same command again; it starts over cleanly."
        )
    if NETWORK_SIGNS.search(lowered):
        return (
            "The installation could not download its packages: the package index did not answer. Check the network, a "
            "proxy (HTTPS_PROXY) or a firewall, and run the same command again; what was downloaded is kept."
        )
    tail = "\n".join(words.strip().splitlines()[-12:])
    return f"The installer could not install the packages. Its last words:\n\n{tail}\n\nThe same command tries again."
