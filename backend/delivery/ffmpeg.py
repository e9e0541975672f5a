"""The ffmpeg program: which one, fed with raw pictures, its failures as errors for people."""

from __future__ import annotations

import collections
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import imageio_ffmpeg

from contract.errors import OutOfDisk
from media.errors import EncodeFailed

_FULL = re.compile(r"no space left on device|disk quota exceeded|file too large|not enough space", re.IGNORECASE)
_DENIED = re.compile(r"permission denied|read-only file system", re.IGNORECASE)
_FULL_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
if sys.platform == "win32":
    NO_WINDOW = subprocess.CREATE_NO_WINDOW
else:
    NO_WINDOW = 0


@lru_cache(maxsize=1)
def ffmpeg_program() -> str:
    """Path of the ffmpeg to run: the wheel's own; one on PATH only if it is newer and has the encoders needed."""
    ours = imageio_ffmpeg.get_ffmpeg_exe()
    other = shutil.which("ffmpeg")
    if other and "IMAGEIO_FFMPEG_EXE" not in os.environ and _version(other) > _version(ours):
        listed = subprocess.run([other, "-v", "error", "-encoders"], capture_output=True, text=True).stdout
        if all(f" {name} " in listed for name in ("libx264", "prores_ks", "ffv1", "png", "aac")):
            return other
    return ours


def _version(program: str) -> tuple[int, ...]:
    text = subprocess.run([program, "-version"], capture_output=True, text=True).stdout
    found = re.search(r"version n?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else (0,)


class Encoder:
    """One ffmpeg process that is fed raw pictures through its standard input."""

    def __init__(self, arguments: list[str], target: Path, needed: int) -> None:
        """`arguments` without the program; `target` and `needed` bytes are named when the disk is full."""
        self._target, self._needed = target, needed
        command = [ffmpeg_program(), "-hide_banner", "-nostdin", "-v", "error", "-y", *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, creationflags=NO_WINDOW
        )
        assert self._process.stdin is not None and self._process.stderr is not None, "both are pipes"
        self._input, self._errors = self._process.stdin, self._process.stderr
        self._said: collections.deque[str] = collections.deque(maxlen=40)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        for line in self._errors:
            self._said.append(line.decode("utf-8", "replace").strip())

    def write(self, planes: Iterable[memoryview | bytes]) -> None:
        """Feed one picture. Raises OutOfDisk or EncodeFailed when ffmpeg has given up."""
        try:
            for plane in planes:
                self._input.write(plane)
        except OSError:
            self.finish()
            raise EncodeFailed(f"ffmpeg stopped early while writing {self._target}.", "; ".join(self._said)) from None

    def finish(self) -> None:
        """Close the input and wait. Raises OutOfDisk or EncodeFailed."""
        try:
            self._input.close()
        except OSError:
            pass  # ffmpeg has ended; its exit code and output say why
        code = self._process.wait()
        self._listener.join()
        if code:
            raise encode_error(code, list(self._said), self._target, self._needed)

    def abort(self) -> None:
        """End the process without keeping what it wrote."""
        if self._process.poll() is None:
            self._process.kill()
        try:
            self._input.close()
        except OSError:
            pass  # unsent bytes of a process that was just ended
        self._process.wait()
        self._listener.join()


def encode_error(code: int, said: list[str], target: Path, needed: int) -> OutOfDisk | EncodeFailed:
    """The right error for a failed ffmpeg: `code` is its exit status, `said` its last lines."""
    words = "; ".join(line for line in said if line) or f"ffmpeg ended with status {code}."
    killed_for_size = hasattr(signal, "SIGXFSZ") and code == -signal.SIGXFSZ
    if killed_for_size or _FULL.search(words):
        return out_of_disk(target, needed, words)
    if _DENIED.search(words):
        return OutOfDisk(f"{target} could not be written.", words, "Choose a folder that you may write to.")
    return EncodeFailed(f"ffmpeg could not write {target}.", words, "Please report this with the clip's details.")


def out_of_disk(target: Path, needed: int, why: str = "") -> OutOfDisk:
    """The disk of `target` is full; about `needed` bytes were wanted."""
    return OutOfDisk(
        f"The disk is full: {target} could not be written.",
        why,
        f"Free about {needed / 1e6:.0f} MB there or choose another folder, then run again.",
    )


def os_error(error: OSError, target: Path, needed: int) -> OutOfDisk:
    """An operating system's refusal to write, as OutOfDisk."""
    if error.errno in _FULL_CODES:
        return out_of_disk(target, needed, str(error))
    return OutOfDisk(f"{target} could not be written.", str(error), "Choose a folder that you may write to.")
