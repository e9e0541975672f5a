"""An OpenAI-compatible chat server on loopback that answers what a test scripted."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SCENE = {
    "source_caption": "Two divers swim over a reef in clear blue water.",
    "vfx_conversation": "Editor: behind them. Artist: thirty metres back, veiled by the water.",
    "composite_caption": "Two divers swim over a reef while a massive whale glides behind them in the blue haze.",
}
OBJECTS = {"source_objects": ["divers", "reef"], "target_object": "massive whale", "scope": "object"}


@dataclass
class Answer:
    """One scripted HTTP answer; `body` may be raw text. `hold` keeps the client waiting until it hangs up."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hold: bool = False


def reply(text: str | dict, finish: str = "stop", refusal: str | None = None) -> Answer:
    """A chat completion with `text` (a dict goes out as JSON) that cost 100 + 20 tokens."""
    content = text if isinstance(text, str) else json.dumps(text)
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return Answer(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "seer",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }
    )


def fails(status: int, message: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer({"error": {"message": message, "type": "error"}}, status, named)


class FakeServer:
    """Gives the scripted answers in order and keeps every request in `requests` (JSON bodies) and `keys`."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.released = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                fake.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                fake.keys.append(self.headers.get("authorization", ""))
                answer = fake.answers.pop(0)
                if answer.hold:
                    fake.released.wait(30)
                    return
                data = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
                self.send_response(answer.status)
                for name, value in {"content-type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def formats(self) -> list[str | None]:
        """The response format that each request asked for."""
        return [request.get("response_format", {}).get("type") for request in self.requests]
