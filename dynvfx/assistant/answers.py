"""The two structured answers: their schemas, and finding and checking them in what a model wrote."""

from __future__ import annotations

import json
import re
from typing import Any

LONGEST_CAPTION = 3000
"""Characters; a caption of 90 words has about 550."""
MOST_OBJECTS = 12
_BEFORE_AND_AFTER = re.compile(r"^\W*(now,? there|there (is|are) now|in this edited|the edited)\b", re.IGNORECASE)

_TEXT = {"type": "string"}
SCENE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"source_caption": _TEXT, "vfx_conversation": _TEXT, "composite_caption": _TEXT},
    "required": ["source_caption", "vfx_conversation", "composite_caption"],
    "additionalProperties": False,
}
OBJECTS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "source_objects": {"type": "array", "items": _TEXT},
        "target_object": _TEXT,
        "scope": {"type": "string", "enum": ["object", "full_frame"]},
    },
    "required": ["source_objects", "target_object", "scope"],
    "additionalProperties": False,
}


def find_object(text: str) -> dict[str, Any] | None:
    """The last JSON object in a model's text, which may think aloud before it or fence it; None without one."""
    text = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL)
    decoder, position, found = json.JSONDecoder(), 0, None
    while (start := text.find("{", position)) >= 0:
        try:
            value, position = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            position = start + 1
            continue
        found = value if isinstance(value, dict) else found
    return found


def scene_faults(values: dict[str, Any] | None) -> list[str]:
    """What is wrong with the first answer, as sentences for the model; empty when it can be used."""
    if values is None:
        return ["There is no JSON object in it."]
    faults = [fault for name in SCENE_SCHEMA["required"] for fault in _text_faults(values, name)]
    if faults:
        return faults
    composite = values["composite_caption"].strip()
    if _BEFORE_AND_AFTER.search(composite):
        faults.append('"composite_caption" compares with an earlier state; describe only the finished shot.')
    if composite.casefold() == values["source_caption"].strip().casefold():
        faults.append('"composite_caption" equals "source_caption"; it must describe the addition too.')
    return faults


def objects_faults(values: dict[str, Any] | None) -> list[str]:
    """What is wrong with the second answer, as sentences for the model; empty when it can be used."""
    if values is None:
        return ["There is no JSON object in it."]
    faults = _text_faults(values, "target_object", longest=80)
    objects = values.get("source_objects")
    if not isinstance(objects, list) or not all(isinstance(item, str) and item.strip() for item in objects):
        faults.append('"source_objects" must be a list of noun phrases.')
    elif len(objects) > MOST_OBJECTS:
        faults.append(f'"source_objects" has {len(objects)} phrases; name the {MOST_OBJECTS // 2} that matter most.')
    if values.get("scope", "object") not in ("object", "full_frame"):
        faults.append('"scope" must be "object" or "full_frame".')
    return faults


def _text_faults(values: dict[str, Any], name: str, longest: int = LONGEST_CAPTION) -> list[str]:
    value = values.get(name)
    if not isinstance(value, str) or not value.strip():
        return [f'"{name}" must be a text and not empty.']
    # The conversation is kept for people; only texts that reach a model have a limit.
    if name != "vfx_conversation" and len(value) > longest:
        return [f'"{name}" is too long: at most {longest} characters.']
    return []
