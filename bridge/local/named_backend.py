"""The backend of another machine that this user's environment names, for the command line and the panel alike."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.wire.connection import is_address
from bridge.wire.keys import is_key
from contract.errors import BadAddress, BadKey, BadUsage

ADDRESS_VARIABLE, KEY_VARIABLE = "DYNVFX_BACKEND", "DYNVFX_BACKEND_KEY"


@dataclass(frozen=True)
class NamedBackend:
    """Where it listens ("tcp://gpu-box:47800"), and its public key."""

    address: str
    key: str


def address_of(text: str) -> str:
    """The address that a text means: `host:port` is the same as `tcp://host:port`. Raises BadAddress."""
    address = "tcp://" + text.strip().removeprefix("tcp://")
    if not is_address(address):
        raise BadAddress(f"{text!r} is not an address such as tcp://gpu-box:47800.")
    return address


def key_of(text: str) -> str:
    """The public key that a text is. Raises BadKey."""
    if not is_key(text.strip()):
        raise BadKey(
            f"{text!r} is not a key; put the 40 characters in single quotes, as the shell changes some of them."
        )
    return text.strip()


def named_backend(environment: Mapping[str, str] = os.environ) -> NamedBackend | None:
    """The backend in DYNVFX_BACKEND and DYNVFX_BACKEND_KEY; None when neither is set.

    Raises BadUsage when one of them is missing or is not what it should be.
    """
    address, key = (environment.get(name, "").strip() for name in (ADDRESS_VARIABLE, KEY_VARIABLE))
    if not address and not key:
        return None
    if not address or not key:
        missing = KEY_VARIABLE if address else ADDRESS_VARIABLE
        raise BadUsage(
            f"The environment variable {missing} is missing.",
            "A backend on another machine is known by its address and its key together.",
            "Set both: `dynvfx keys show` on that machine prints its key.",
        )
    return NamedBackend(read_variable(ADDRESS_VARIABLE, address_of, address), read_variable(KEY_VARIABLE, key_of, key))


def read_variable(name: str, read: Callable[[str], str], value: str) -> str:
    """What `read` (address_of or key_of) makes of the variable's value. Raises BadUsage that names the variable."""
    try:
        return read(value)
    except (BadAddress, BadKey) as problem:
        raise BadUsage(f"The environment variable {name}: {problem.what}", remedy="Correct the variable.") from problem
