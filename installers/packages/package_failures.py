"""Why packages could not be installed, explained from the output of pip or uv. Standard library only."""

from __future__ import annotations

import re
import sys

# Measured: 6.1 GB with the CUDA libraries that PyPI's torch requires on Linux; far less elsewhere.
DISK_NEEDED = 7_000_000_000 if sys.platform == "linux" else 3_000_000_000
NETWORK_SIGNS = re.compile(
    "dns error|name resolution|could not connect|error sending request|failed to fetch|connection refused|"
    "connecttimeout|network is unreachable|newconnectionerror|timed out"
)

HASH_SIGNS = re.compile("hash mismatch|hashes are required|do not match the hashes|mismatched hash")


def explain_failure(output: str, free: int) -> str:
    """A paragraph that explains a failed installation from pip's or uv's output and the `free` bytes of the disk."""
    lowered = output.lower()
    if "no space left" in lowered or "disk full" in lowered or free < 300_000_000:
        return (
            f"The installation stopped because the disk is full ({free / 1e9:.1f} GB free, {DISK_NEEDED / 1e9:.0f} GB "
            "needed). Free some space and run the same command again; it starts over cleanly."
        )
    if NETWORK_SIGNS.search(lowered):
        return (
            "The installation could not download its packages: the package index did not answer. Check the network, a "
            "proxy (HTTPS_PROXY) or a firewall, and run the same command again; finished downloads are kept."
        )
    if HASH_SIGNS.search(lowered):
        return (
            "A downloaded package is not the file that the lock file names, so it was not installed. A proxy or a "
            "mirror of the package index may serve damaged or changed files: try another network. "
            f"The installer's last lines:\n\n{last_lines(output)}"
        )
    return (
        f"The packages could not be installed. The installer's last lines:\n\n{last_lines(output)}\n\n"
        "Run the same command to try again."
    )


def last_lines(output: str) -> str:
    """The end of an installer's output, which contains the reason."""
    return "\n".join(output.strip().splitlines()[-12:])
