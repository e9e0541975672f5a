"""Why packages could not be installed, explained from the output of pip or uv. Standard library only."""

from __future__ import annotations

import re
import sys

# Measured: 6.1 GB with CUDA's libraries, which PyPI's torch brings along on Linux; far less elsewhere.
DISK_NEEDED = 7_000_000_000 if sys.platform == "linux" else 3_000_000_000
NETWORK_SIGNS = re.compile(
    "dns error|name resolution|could not connect|error sending request|failed to fetch|connection refused|"
    "connecttimeout|network is unreachable|newconnectionerror|timed out"
)

HASH_SIGNS = re.compile("hash mismatch|hashes are required|do not match the hashes|mismatched hash")


def explain_failure(output: str, free: int) -> str:
    """One paragraph on a failed installation: from what pip or uv wrote, and the bytes that are `free` on the disk."""
    lowered = output.lower()
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
    if HASH_SIGNS.search(lowered):
        return (
            "A downloaded package is not the file that the lock file names, so it was not installed. A proxy or a "
            "mirror of the package index may serve damaged or changed files: try another network. "
            f"The installer's last lines:\n\n{last_lines(output)}"
        )
    return (
        f"The packages could not be installed. The installer's last lines:\n\n{last_lines(output)}\n\n"
        "The same command tries again."
    )


def last_lines(output: str) -> str:
    """The end of an installer's output, where the reason is."""
    return "\n".join(output.strip().splitlines()[-12:])
