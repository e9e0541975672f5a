"""The base of everything that a message can carry."""

from __future__ import annotations

import msgspec


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Base of all requests, replies and pushes; the field `type` says which one it is."""
