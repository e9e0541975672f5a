"""CURVE keys of this user, and the list of keys that a service lets in."""

from __future__ import annotations

import logging
import os
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import zmq
from zmq.utils import z85

from bridge.local.folders import private_folder
from contract.atomic_file import write_atomically
from contract.errors import BadKey, NotPrivate

KEY_LENGTH = 40
"""Characters of a key as Z85 text (32 bytes)."""
OWNER = "owner"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeyPair:
    """Both halves of a CURVE key as Z85 text; the secret one never leaves its machine."""

    public: str
    secret: str

    def __repr__(self) -> str:  # a log or a traceback must not show the secret
        return f"KeyPair(public={self.public!r})"


class KeyFolder:
    """The keys in a folder that only its user reads; each is made when it is first asked for.

    `service.key` and `client.key` hold the secret halves, `service.pub` and `client.pub` the public ones, and
    `authorized_keys` the public keys of the clients that the service lets in, one a line: the key, a space, a name.
    The folder's own client key is always authorised: it is the owner's. Changes of the list by hand or another process
    count at once.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = private_folder(Path(folder))
        self._seen: tuple[int, ...] | None = None
        self._known: Mapping[str, str] = MappingProxyType({})

    @property
    def list_path(self) -> Path:
        """The file with the authorised keys; it need not exist."""
        return self.folder / "authorized_keys"

    def service_pair(self) -> KeyPair:
        """The key by which clients know the service. Raises NotPrivate or BadKey."""
        return self._pair("service")

    def client_pair(self) -> KeyPair:
        """The key by which services know this user. Raises NotPrivate or BadKey."""
        return self._pair("client")

    @property
    def owner(self) -> str:
        """The public client key of the folder's user."""
        return self.client_pair().public

    def authorized(self) -> Mapping[str, str]:
        """Names by public key, the owner's included. Read again only when the file has changed."""
        seen = self._fingerprint()
        if seen != self._seen or not self._known:
            named = {} if seen == () else dict(_entries(self._lines()))
            self._known = MappingProxyType({**named, self.owner: OWNER})
            self._seen = seen
        return self._known

    def authorize(self, key: str, name: str = "") -> None:
        """Let a client in. A known key gets the new name. Raises BadKey for what is not a public key, OutOfDisk."""
        key, name = key.strip(), " ".join(name.split())
        if not is_key(key):
            raise BadKey(
                f"{key!r} is not a public key.",
                f"A key has {KEY_LENGTH} characters; the shell changes some of them unless it is quoted.",
                "Copy the line that `dynvfx keys show` prints on the client's machine, in single quotes.",
            )
        kept = [line for line in self._lines() if _entry(line) is None or line.split()[0] != key]
        self._write([*kept, f"{key} {name}".rstrip()])

    def revoke(self, key_or_name: str) -> list[str]:
        """Let a client in no longer, and return the keys that were taken off the list.

        Raises BadKey when no key or name is like that, or for the owner's own key.
        """
        wanted = key_or_name.strip()
        entries = dict(_entries(self._lines()))
        gone = [key for key, name in entries.items() if wanted in (key, name)]
        if not gone:
            own = wanted in (self.owner, OWNER)
            raise BadKey(
                "The key of the backend's own user cannot be revoked."
                if own
                else f"No authorised key is or is called {wanted!r}.",
                "" if own else f"{self.list_path} lists {len(entries)} keys.",
                f"Delete {self.folder / 'client.key'} to make a new one." if own else "`dynvfx keys show` lists them.",
            )
        self._write([line for line in self._lines() if _entry(line) is None or line.split()[0] not in gone])
        return gone

    def _pair(self, name: str) -> KeyPair:
        path = self.folder / f"{name}.key"
        secret = _read_secret(path)
        if secret is None:
            _make_secret(path)
            secret = _read_secret(path)
        if secret is None:
            raise NotPrivate(f"The key {path} vanished while it was made.", "", "Try again.")
        pair = KeyPair(zmq.curve_public(secret.encode()).decode(), secret)
        shown = self.folder / f"{name}.pub"
        if not shown.exists() or shown.read_text(encoding="ascii", errors="replace").strip() != pair.public:
            write_atomically(shown, f"{pair.public}\n".encode())
        return pair

    def _fingerprint(self) -> tuple[int, ...]:
        try:
            facts = self.list_path.stat()
        except FileNotFoundError:
            return ()
        return facts.st_mtime_ns, facts.st_size, facts.st_ino

    def _lines(self) -> list[str]:
        try:
            return self.list_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            # Whoever cannot be looked up is not authorised; the owner still is.
            _log.error("%s cannot be read: %s", self.list_path, error)
            return []

    def _write(self, lines: list[str]) -> None:
        write_atomically(self.list_path, "".join(f"{line}\n" for line in lines).encode())


def is_key(text: str) -> bool:
    """Whether a text is a key's half in Z85."""
    if len(text) != KEY_LENGTH or not text.isascii():
        return False
    try:
        # Not every text of the alphabet is a number of 32 bits per five characters: encoding again shows it.
        return z85.encode(z85.decode(text)).decode() == text
    except (ValueError, KeyError, struct.error):
        return False


def _entries(lines: list[str]) -> list[tuple[str, str]]:
    found = []
    for line in lines:
        entry = _entry(line)
        if entry is not None:
            found.append(entry)
        elif line.strip() and not line.lstrip().startswith("#"):
            _log.warning("authorized_keys has a line that is not a key: %.60s", line)
    return found


def _entry(line: str) -> tuple[str, str] | None:
    """A line's key and name; None for a comment, which begins with # as no key of 32 bytes can."""
    key, _, name = line.strip().partition(" ")
    return (key, name.strip()) if is_key(key) else None


def _read_secret(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotPrivate(
            f"The key {path} cannot be read.", error.strerror or str(error), "Give the file to your user."
        ) from error
    if os.name == "posix" and mode & 0o077:
        raise NotPrivate(
            f"The secret key {path} may have been read by others.",
            f"Its permissions are {mode & 0o777:03o}.",
            "Delete it, a new one is made at the next start; or, if you know that no one else read it, chmod 600 it.",
        )
    if not is_key(text):
        raise BadKey(f"The file {path} holds no key.", "It is damaged.", "Delete it; a new key is made at next start.")
    return text


def _make_secret(path: Path) -> None:
    """A new secret key, written whole; when two processes make it at once, one of the two stays."""
    public, secret = zmq.curve_keypair()
    while public.startswith(b"-"):  # on a command line it would be read as an option
        public, secret = zmq.curve_keypair()
    partial = None
    try:
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 by its contract
        with os.fdopen(descriptor, "wb") as sink:
            sink.write(secret + b"\n")
            sink.flush()
            os.fsync(sink.fileno())
        try:
            os.link(partial, path)
        except FileExistsError:
            pass
    except OSError as error:
        raise NotPrivate(
            f"No key could be written to {path}.", error.strerror or str(error), "Free some space or check the folder."
        ) from error
    finally:
        if partial is not None:
            os.unlink(partial)
