"""A scripted panel process without a window: the other end of the agent's link, for tests.

    python fake_panel.py FOLDER [--hidden]

The folder holds `takes.json`: the takes to offer, takes of the protocol with a `thumbnail`. The agent's messages are
appended to `received.jsonl`, one a line. While there is a file `unlisted`, the list of takes was not read yet. A job
advances one stage for each file `step` that appears in the folder.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
STAGES = (
    ("preparing", 0.05, "Reading the clip"),
    ("inverting", 0.4, "Step 20 of 50"),
    ("refining", 0.8, "Pass 4 of 5"),
)


class FakePanel:
    """Connects to the agent, requests exports, and pretends that a backend makes takes."""

    def __init__(self) -> None:
        host, _, port = os.environ["DYNVFX_AGENT"].partition(":")
        self.lines = socket.create_connection((host, int(port)))
        self.lines.settimeout(0.05)
        self.incoming = b""
        self.number = 0
        self.offered = json.loads((FOLDER / "takes.json").read_text())
        self.jobs: list[dict[str, Any]] = []
        self.takes: list[dict[str, Any]] = []
        self.beaten = 0.0

    def run(self) -> None:
        """Serve until the agent disconnects."""
        self.request("hello", token=os.environ["DYNVFX_AGENT_TOKEN"], protocol=[1, 1], panel="0.1.0")
        self.request("timeline")
        self.send_state()
        while True:
            self.steps()
            if time.monotonic() - self.beaten > 2:
                self.beaten = time.monotonic()
                self.send({"method": "beat", "params": {}})
            try:
                chunk = self.lines.recv(65536)
            except TimeoutError:
                continue
            if not chunk:
                return
            *lines, self.incoming = (self.incoming + chunk).split(b"\n")
            for line in lines:
                self.receive(json.loads(line))

    def receive(self, message: dict[str, Any]) -> None:
        """Record a message and answer it."""
        if message.get("method") == "beat":
            return
        with (FOLDER / "received.jsonl").open("a") as received:
            received.write(json.dumps(message) + "\n")
        method, params = message.get("method"), message.get("params", {})
        if method == "changed":
            self.request("timeline")
        elif method == "closing":
            sys.exit(0)
        elif method is not None and "id" in message:
            self.send({"id": message["id"], "result": getattr(self, "on_" + method)(params)})
            self.send_state()

    def on_show(self, params: dict[str, Any]) -> dict:
        return {}

    def on_generate(self, params: dict[str, Any]) -> dict:
        for uid in params["uids"]:
            folder = FOLDER / f"export-{len(self.jobs)}"
            folder.mkdir()
            self.request("export", uid=uid, folder=str(folder), handles=0)
            job = {"id": f"job-{len(self.jobs) + 1}", "uid": uid, "instruction": params["instruction"]}
            job.update(state="queued", stage="queued", fraction=0.0, seconds_left=None, text="Waiting", problem=None)
            self.jobs.append(job)
        return {"jobs": [each["id"] for each in self.jobs]}

    def on_cancel(self, params: dict[str, Any]) -> dict:
        next(each for each in self.jobs if each["id"] == params["job"])["state"] = "cancelled"
        return {}

    def on_dismiss(self, params: dict[str, Any]) -> dict:
        self.jobs = [each for each in self.jobs if each["id"] != params["job"]]
        return {}

    def on_set_status(self, params: dict[str, Any]) -> dict:
        next(each for each in self.takes if each["id"] == params["take"])["status"] = params["status"]
        return {}

    def on_place_take(self, params: dict[str, Any]) -> dict:
        chosen = next(each for each in self.takes if each["id"] == params["take"])
        takes = [each["offer"] for each in self.takes if each["uid"] == chosen["uid"]]
        active = [each["id"] for each in takes].index(chosen["id"])
        self.request("place", uid=chosen["uid"], takes=takes, active=active)
        chosen["placed"] = True
        return {}

    def steps(self) -> None:
        """A file `step` advances every job one stage, the last of which offers the takes; `crash` exits at once."""
        if (FOLDER / "crash").exists():
            (FOLDER / "crash").unlink()
            os._exit(9)
        if not (FOLDER / "step").exists():
            return
        (FOLDER / "step").unlink()
        for job in [each for each in self.jobs if each["state"] not in ("done", "cancelled")]:
            names = ["queued", *(stage for stage, _, _ in STAGES)]
            place = names.index(job["state"])
            if place < len(STAGES):
                stage, fraction, text = STAGES[place]
                job.update(state=stage, stage=stage, fraction=fraction, text=text, seconds_left=240 - 200 * fraction)
                continue
            job.update(state="done", fraction=1.0)
            for offer in self.offered:
                take = {"id": offer["id"], "job": job["id"], "uid": job["uid"], "label": offer["label"]}
                take.update(status="pending", thumbnail=offer["thumbnail"], placed=False, offer=offer)
                self.takes.append(take)
        self.send_state()

    def send_state(self) -> None:
        takes = [{name: value for name, value in each.items() if name != "offer"} for each in self.takes]
        backend = {"state": "ready", "text": "Ready on this machine"}
        state = {"backend": backend, "jobs": self.jobs, "takes": takes, "problem": None}
        state["takes_listed"] = not (FOLDER / "unlisted").exists()
        self.send({"method": "state", "params": state})

    def request(self, method: str, **params: Any) -> None:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})

    def send(self, message: dict[str, Any]) -> None:
        self.lines.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


if __name__ == "__main__":
    FakePanel().run()
