"""A plan for tests that need one and do not look into it."""

from __future__ import annotations

from typing import Any

from contract.plan import Plan


def a_plan(**changes: Any) -> Plan:
    known: dict[str, Any] = {
        "instruction": "add a ball",
        "source_caption": "a street",
        "composite_caption": "a street with a ball",
        "target_object": "ball",
    }
    return Plan(**{**known, **changes})
