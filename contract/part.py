"""The base of the structs that messages and jobs are made of."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A frozen struct whose fields are named; fields that have their defaults are left out of messages."""
