"""Where the vision-language model is reached, from arguments or the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from dynvfx.errors import AssistantFailed

OPENAI_URL = "https://api.openai.com/v1"
_NO_KEY = "not-needed"


@dataclass(frozen=True)
class AssistantEndpoint:
    """An OpenAI-compatible server. `origins` names for each setting where it came from; the key never shows."""

    url: str
    model: str
    key: str = field(repr=False)
    key_origin: str

    def hide_key(self, text: str) -> str:
        """`text` without the key: some servers repeat it in their errors."""
        return text.replace(self.key, "***") if self.key not in ("", _NO_KEY) else text


def find_endpoint(
    model: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> AssistantEndpoint:
    """Settings from the arguments, else DYNVFX_ASSISTANT_URL / _KEY / _MODEL, else OPENAI_BASE_URL / _API_KEY / _MODEL.

    A server other than OpenAI's may do without a key. Raises AssistantFailed naming what is missing.
    """
    url, _ = _first(base_url, "base_url", environment, "DYNVFX_ASSISTANT_URL", "OPENAI_BASE_URL")
    url = url or OPENAI_URL
    own_server = bool(base_url or environment.get("DYNVFX_ASSISTANT_URL"))
    # The key of one service is never sent to another: OPENAI_API_KEY goes only where OPENAI_BASE_URL points.
    names = (
        ("DYNVFX_ASSISTANT_KEY",)
        if own_server and url.rstrip("/") != OPENAI_URL
        else (
            "DYNVFX_ASSISTANT_KEY",
            "OPENAI_API_KEY",
        )
    )
    key, origin = _first(api_key, "api_key", environment, *names)
    name, _ = _first(model, "model", environment, "DYNVFX_ASSISTANT_MODEL", "OPENAI_MODEL")
    if not name:
        raise AssistantFailed(
            "No model is set for the VFX assistant.",
            "The server offers several and the plan depends on which one sees your frames.",
            "Set DYNVFX_ASSISTANT_MODEL to a vision model of your server, or use --assistant offline.",
        )
    if not key and url.rstrip("/") == OPENAI_URL:
        raise AssistantFailed(
            "No key is set for the VFX assistant.",
            f"{OPENAI_URL} requires one.",
            "Set DYNVFX_ASSISTANT_KEY, or DYNVFX_ASSISTANT_URL to a server of your own, or use --assistant offline.",
        )
    return AssistantEndpoint(url, name, key or _NO_KEY, origin or "none was set")


def _first(given: str | None, argument: str, environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    if given:
        return given.strip(), f"the argument {argument}"
    for name in names:
        if environment.get(name, "").strip():
            return environment[name].strip(), f"the environment variable {name}"
    return "", ""
