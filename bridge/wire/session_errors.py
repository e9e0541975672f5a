"""What keeps a client from its service, and what to do about it."""

from __future__ import annotations

from bridge.wire.messages import Refused
from bridge.wire.refusals import NotAuthorised
from contract.errors import ProtocolError, Refusal, Unreachable


def refusal(refused: Refused) -> Refusal:
    """A refusal as it came over the wire."""
    return Refusal(refused.kind, refused.what, refused.why, refused.remedy, refused.exit_code)


def no_answer(address: str) -> Unreachable:
    """No connection could be made."""
    return Unreachable(
        f"No backend answers at {address}.",
        "It does not run, or a firewall or the network is in the way.",
        "Look on the backend's machine whether it runs, and which address it prints at its start.",
    )


def hangs(address: str) -> Unreachable:
    """There is a connection, but no answer."""
    return Unreachable(
        f"The backend at {address} does not answer at the moment.",
        "It is overloaded, suspended, or the network is.",
        "Wait; nothing that was queued is lost. If it stays so, restart the backend.",
    )


def cut_short(address: str) -> Unreachable:
    """The other end accepted the connection and ended it before the keys were proved."""
    return Unreachable(
        f"What answers at {address} does not prove to be the expected backend.",
        "Its key is another one (it was set up anew, or it belongs to someone else), or a tunnel leads nowhere.",
        "Compare the backend's key with the one that it prints at its start.",
    )


def not_let_in(address: str, key: str) -> Refusal:
    """The service does not know our key."""
    return Refusal(
        NotAuthorised.kind,
        f"The backend at {address} does not let this client in.",
        f"Its key {key} is not, or no longer, authorised there.",
        f"On the backend's machine: dynvfx keys authorize '{key}'",
    )


def not_understood(reason: str) -> ProtocolError:
    """An answer came that this program cannot read."""
    return ProtocolError("The backend's answer cannot be read.", reason[:300], "Update this program.")
