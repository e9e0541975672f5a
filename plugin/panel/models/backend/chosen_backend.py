"""Which backend of another machine the panel uses, if any."""

from __future__ import annotations

import os

from bridge.local.named_backend import ADDRESS_VARIABLE, NamedBackend, named_backend
from bridge.wire.connection import is_address
from plugin.panel.models.settings_store import SettingsStore

BACKEND_SETTINGS = ("service_address", "service_key", "service_here")
"""The settings that decide it."""


def chosen_backend(settings: SettingsStore) -> NamedBackend | None:
    """The backend of another machine: the settings' own choice, else that of DYNVFX_BACKEND; None for this machine's.

    Raises BadUsage for an incomplete or wrong environment.
    """
    address = settings.get("service_address", "")
    if address:
        return NamedBackend(address, settings.get("service_key", ""))
    return None if settings.get("service_here", False) else named_backend()


def address_in_environment() -> str:
    """The address in DYNVFX_BACKEND as it is written there, "" when there is none."""
    return os.environ.get(ADDRESS_VARIABLE, "").strip()


__all__ = ["BACKEND_SETTINGS", "address_in_environment", "chosen_backend", "is_address"]
