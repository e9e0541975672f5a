"""The VFX assistant on any OpenAI-compatible server that sees pictures, hosted or local."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from contract.errors import BadRequest
from contract.instruction import clean_instruction
from contract.plan import Plan, Scope
from dynvfx.assistant import prompts
from dynvfx.assistant.answers import OBJECTS_SCHEMA, SCENE_SCHEMA, find_object, objects_faults, scene_faults
from dynvfx.assistant.base import Assistant, Planned
from dynvfx.assistant.conversation import Conversation
from dynvfx.assistant.endpoint import find_endpoint
from dynvfx.errors import AssistantFailed

LONGEST_SIDE = 768
"""Pixels; enough to name what is in a frame, and cheap in tokens."""


class OpenAIAssistant(Assistant):
    """Two calls with three key frames each (METHOD 1.1); see docs/assistant.md for the settings.

    `timeout` is seconds for one answer, `retries` how often a failed call is repeated.
    Raises AssistantFailed when no model, or no key for a server that needs one, is set.
    """

    def __init__(
        self,
        model: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.endpoint = find_endpoint(model, base_url, api_key)
        self.name = f"openai:{self.endpoint.model}"
        self._settings = (timeout, retries, sleep, clock)

    def plan(self, instruction: str, key_frames: Sequence[np.ndarray], scope: Scope | None = None) -> Planned:
        """Plan for `instruction` on key frames uint8 [H, W, 3] sRGB. Raises AssistantFailed, BadRequest."""
        instruction = clean_instruction(instruction)
        if not key_frames:
            raise BadRequest("The assistant got no key frames.", "It plans from what it sees in the shot.")
        pictures = [picture_part(frame) for frame in key_frames]
        conversation = Conversation(self.endpoint, *self._settings)
        scene = self._ask(
            conversation,
            prompts.SCENE_SYSTEM,
            prompts.scene_request(instruction),
            pictures,
            ("scene", SCENE_SCHEMA, scene_faults),
        )
        captions = {name: scene[name].strip() for name in SCENE_SCHEMA["required"]}
        things = self._ask(
            conversation,
            prompts.OBJECTS_SYSTEM,
            prompts.objects_request(instruction, captions["source_caption"], captions["composite_caption"]),
            pictures,
            ("objects", OBJECTS_SCHEMA, objects_faults),
        )
        plan = Plan(
            instruction=instruction,
            **captions,
            source_objects=tuple(dict.fromkeys(item.strip() for item in things["source_objects"])),
            target_object=things["target_object"].strip(),
            scope=scope or things.get("scope", "object"),
            assistant=self.name,
        )
        written = f"{self.endpoint.model} wrote this plan from {len(pictures)} frames of the shot."
        return Planned(plan, conversation.prompt_tokens, conversation.completion_tokens, (written,))

    def _ask(
        self,
        conversation: Conversation,
        system: str,
        request: str,
        pictures: list[dict[str, Any]],
        answer: tuple[str, dict[str, Any], Callable[[dict[str, Any] | None], list[str]]],
    ) -> dict[str, Any]:
        """A checked answer; one that is wrong may be corrected once."""
        name, schema, find_faults = answer
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": system},
            {"role": "user", "content": [*pictures, {"type": "text", "text": request}]},
        ]
        for _ in range(2):
            text = conversation.ask(messages, name, schema)
            values = find_object(text)
            faults = find_faults(values)
            if not faults:
                return values or {}
            messages += [
                {"role": "assistant", "content": text or "(empty)"},
                {"role": "user", "content": prompts.repair_request(faults)},
            ]
        raise AssistantFailed(
            f"{self.endpoint.model} gave no usable plan, twice.",
            " ".join(faults),
            "Try again, choose a stronger vision model, or continue without it: --assistant offline.",
        )


def picture_part(frame: np.ndarray) -> dict[str, Any]:
    """A frame uint8 [H, W, 3] sRGB as a message part: a JPEG of at most LONGEST_SIDE pixels in a data URL."""
    scale = min(1.0, LONGEST_SIDE / max(frame.shape[:2]))
    if scale < 1:
        size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    data = base64.b64encode(encoded.tobytes()).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
