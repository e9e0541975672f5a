"""Opens a VFX assistant by name."""

from __future__ import annotations

from collections.abc import Sequence

from contract.errors import BadRequest
from dynvfx.assistant.base import Assistant
from dynvfx.vocabulary import Content

ASSISTANTS = ("offline", "openai")


def open_assistant(name: str, vocabulary: Sequence[Content] | None = None) -> Assistant:
    """The assistant called "offline", "openai" or "openai:MODEL".

    `vocabulary` limits the offline assistant to what a small model can draw. Raises BadRequest for an unknown name,
    AssistantFailed when the server's settings are incomplete.
    """
    kind, _, model = name.partition(":")
    if kind == "offline" and not model:
        from dynvfx.assistant.offline import OfflineAssistant

        return OfflineAssistant(vocabulary)
    if kind == "openai":
        # The client takes a second to import; planning offline should not wait for it.
        from dynvfx.assistant.openai_assistant import OpenAIAssistant

        return OpenAIAssistant(model or None)
    raise BadRequest(
        f"There is no assistant called {name!r}.", remedy=f"Choose one of: {', '.join(ASSISTANTS)}, openai:MODEL."
    )
