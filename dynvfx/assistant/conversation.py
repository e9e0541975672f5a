"""One chat completion over the network: retries, servers without structured outputs, errors with a remedy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from dynvfx.assistant.endpoint import AssistantEndpoint
from dynvfx.errors import AssistantFailed

LONGEST_WAIT = 60.0
"""Seconds; when a server asks for a longer wait, the job fails with its message instead."""
_OFFLINE = "Or continue without it: --assistant offline."


class Conversation:
    """Asks a server for JSON.

    `formats` is the ladder from strict structured outputs to none; the first one that the server accepts is kept.
    `sleep` and `clock` (seconds since the epoch) are passed in for tests. Token use adds up in `prompt_tokens` and
    `completion_tokens`.
    """

    def __init__(
        self,
        endpoint: AssistantEndpoint,
        timeout: float,
        retries: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.endpoint, self.timeout, self.retries = endpoint, timeout, retries
        self.sleep, self.clock = sleep, clock
        self.formats = ["json_schema", "json_object", "text"]
        self.prompt_tokens = self.completion_tokens = 0
        # The client's own retries would sleep without our clock and hide how often the server was asked.
        self.client = openai.OpenAI(api_key=endpoint.key, base_url=endpoint.url, timeout=timeout, max_retries=0)

    def ask(self, messages: list[dict[str, Any]], name: str, schema: dict[str, Any]) -> str:
        """The text of the answer. Raises AssistantFailed."""
        while True:
            try:
                completion = self._send(messages, _response_format(self.formats[0], name, schema))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if len(self.formats) == 1:
                    raise self._failure(error) from error
                self.formats.pop(0)
                continue
            return self._text_of(completion)

    def _send(self, messages: list[dict[str, Any]], response_format: dict[str, Any] | None) -> ChatCompletion:
        options = {} if response_format is None else {"response_format": response_format}
        for attempt in range(self.retries + 1):
            try:
                return self.client.chat.completions.create(
                    model=self.endpoint.model,
                    messages=messages,
                    **options,  # type: ignore[call-overload]
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                raise
            except json.JSONDecodeError as error:
                raise self._no_chat_server() from error
            except openai.OpenAIError as error:
                wait = self._wait_before_retry(error, attempt)
                if wait is None:
                    raise self._failure(error) from error
                self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wait_before_retry(self, error: openai.OpenAIError, attempt: int) -> float | None:
        """Seconds to wait, None to give up."""
        passing = isinstance(error, (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError))
        if isinstance(error, openai.APIStatusError):
            passing = passing or error.status_code in (408, 409)
        if not passing or attempt == self.retries or getattr(error, "code", None) == "insufficient_quota":
            return None
        asked = self._retry_after(error)
        if asked is not None:
            return asked if asked <= LONGEST_WAIT else None
        return min(2.0**attempt, LONGEST_WAIT)

    def _retry_after(self, error: openai.OpenAIError) -> float | None:
        if not isinstance(error, openai.APIStatusError):
            return None
        header = error.response.headers.get("retry-after", "")
        try:
            return max(0.0, float(header))
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(header).timestamp() - self.clock())
        except ValueError:
            return None

    def _text_of(self, completion: ChatCompletion) -> str:
        if not isinstance(completion, ChatCompletion) or not completion.choices:
            raise self._no_chat_server()
        if completion.usage is not None:
            self.prompt_tokens += completion.usage.prompt_tokens or 0
            self.completion_tokens += completion.usage.completion_tokens or 0
        choice = completion.choices[0]
        refusal = getattr(choice.message, "refusal", None)
        if refusal or choice.finish_reason == "content_filter":
            raise AssistantFailed(
                f"{self.endpoint.model} refused to plan this shot.",
                self.endpoint.hide_key(refusal or "Its provider's content filter stopped the answer."),
                f"Phrase the instruction differently, or choose another model. {_OFFLINE}",
            )
        return choice.message.content or ""

    def _no_chat_server(self) -> AssistantFailed:
        return AssistantFailed(
            f"{self.endpoint.url} did not answer like a chat server.",
            "What came back holds no choices.",
            f"Check DYNVFX_ASSISTANT_URL; it usually ends in /v1. {_OFFLINE}",
        )

    def _failure(self, error: openai.OpenAIError) -> AssistantFailed:
        endpoint, detail = self.endpoint, self.endpoint.hide_key(_sentence(error))
        tried = f"Tried {self.retries + 1} times." if self.retries else ""
        if isinstance(error, openai.APITimeoutError):
            return AssistantFailed(
                f"{endpoint.url} did not answer within {self.timeout:g} seconds.",
                f"The server is busy or its model is slow. {tried}".strip(),
                f"Try again, raise the time limit, or choose a faster model. {_OFFLINE}",
            )
        if isinstance(error, openai.APIConnectionError):
            return AssistantFailed(
                f"The VFX assistant at {endpoint.url} cannot be reached.",
                f"The network is down, or no server listens there. {tried}".strip(),
                f"Check the network and DYNVFX_ASSISTANT_URL, or start your local server. {_OFFLINE}",
            )
        if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
            return AssistantFailed(
                f"{endpoint.url} does not accept the key (its source: {endpoint.key_origin}).",
                detail,
                f"Set DYNVFX_ASSISTANT_KEY to a key of this server. {_OFFLINE}",
            )
        if isinstance(error, openai.NotFoundError):
            return AssistantFailed(
                f"{endpoint.url} has no model {endpoint.model!r}, or is not a chat server.",
                detail,
                f"Check DYNVFX_ASSISTANT_MODEL and DYNVFX_ASSISTANT_URL (it usually ends in /v1). {_OFFLINE}",
            )
        if isinstance(error, openai.RateLimitError):
            return AssistantFailed(
                f"{endpoint.url} takes no more requests at the moment.",
                detail,
                f"Wait and try again, or check the account's limits. {_OFFLINE}",
            )
        if isinstance(error, (openai.BadRequestError, openai.UnprocessableEntityError)):
            return AssistantFailed(
                f"{endpoint.model} at {endpoint.url} does not take the request.",
                detail,
                f"The assistant needs a model that sees pictures; choose one with DYNVFX_ASSISTANT_MODEL. {_OFFLINE}",
            )
        return AssistantFailed(f"The VFX assistant at {endpoint.url} failed.", detail, f"Try again later. {_OFFLINE}")


def _response_format(kind: str, name: str, schema: dict[str, Any]) -> dict[str, Any] | None:
    if kind == "json_schema":
        return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": schema}}
    return {"type": "json_object"} if kind == "json_object" else None


def _sentence(error: openai.OpenAIError) -> str:
    """The server's own message, short enough for a dialog."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
