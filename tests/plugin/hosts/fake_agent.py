"""An editing application in a process of its own: the real AgentLink over a timeline that is a dict.

Run as `python fake_agent.py PROJECT.json`; it reads commands from stdin and writes messages to stdout, as JSON lines.
Standard library only, and Python 3.6, as in a real one. PROJECT.json is the saved project: `clips`, `selected`,
`exports` (uid: .otio text, and how many steps a rendering takes), `layers` (takes in the timeline).
"""

import importlib.util
import json
import os
import queue
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LINK = os.path.join(HERE, "..", "..", "..", "plugin", "hosts", "agent_link.py")


def load_link():
    spec = importlib.util.spec_from_file_location("agent_link", LINK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


agent_link = load_link()


class Application:
    def __init__(self, path):
        self.path = path
        with open(path) as file:
            self.project = json.load(file)
        self.project.setdefault("layers", [])
        self.seen = []
        offered = ["timeline", "export", "place", "swap", "placements", "seek", "mark", "versions"]
        offered = self.project.get("offers", offered)
        methods = {name: getattr(self, name) for name in offered}
        methods["state"] = self.state
        self.link = agent_link.AgentLink(
            self.project.get("host", "blender"), "4.5", "0.1", offered, methods,
            self.project.get("layer", "png"), self.project.get("palette"),
            parts=self.project.get("parts", True))  # fmt: skip
        self.reply = {}
        self.slow = 0
        self.nudge = 0  # frames by which the clip moves right before a take is placed
        self.slip = 0  # frames by which takes land beside their clip
        self.fails = {}

    def save(self):
        partial = self.path + ".partial"
        with open(partial, "w") as file:
            json.dump(self.project, file)
        os.replace(partial, self.path)

    # Methods of the protocol

    def timeline(self, params):
        names = ("id", "title", "project", "rate", "start", "width", "height", "playhead", "selected", "clips")
        return {name: self.project[name] for name in names if name in self.project}

    def _clip(self, uid):
        found = [each for each in self.project["clips"] if each["uid"] == uid]
        if not found:
            raise agent_link.AgentProblem("clip_gone", "The clip is gone.", "", "Select another.")
        return found[0]

    def export(self, params):
        self._clip(params["uid"])
        self.seen.append(["export", params["uid"]])
        export = self.project["exports"][params["uid"]]
        for step in range(export.get("steps", 0)):
            time.sleep(export.get("pace", 0.0))
            yield {"done": step + 1, "total": export["steps"], "text": "Rendering"}
        with open(os.path.join(params["folder"], "shot.otio"), "w") as file:
            file.write(export["otio"])
        return {"otio": "shot.otio", "clip": "1"}

    def _placed(self, layer):
        return {key: value for key, value in layer.items() if key != "muted"}

    def place(self, params):
        """Place take by take, handling other calls in between; undo it all when the call is cancelled."""
        clip = self._clip(params["uid"])
        if "place" in self.fails:
            raise agent_link.AgentProblem("no_free_track", self.fails["place"], "All are full.", "Add a track.")
        clip["record_start"] += self.nudge
        before = list(self.project["layers"])
        done = False
        try:
            self.project["layers"] = [each for each in before if each["uid"] != params["uid"]]
            for number, take in enumerate(params["takes"]):
                offset, frames = take["part"] or (0, clip["record_frames"])
                self.project["layers"].append({
                    "uid": clip["uid"], "take": take["id"], "take_name": take["label"], "where": self.project["title"],
                    "track_name": "VFX", "track_number": clip["track"] + 1 + number,
                    "record_start": clip["record_start"] + offset + self.slip, "record_frames": frames,
                    "effect": take["effect"],
                    "media_path": take["path"], "muted": number != params["active"]})  # fmt: skip
                time.sleep(self.slow)
                yield {"done": number + 1, "total": len(params["takes"]), "text": "Placing"}
            done = True
        finally:
            if not done:
                self.project["layers"] = before
        self.save()
        return self._placed([e for e in self.project["layers"] if e["uid"] == clip["uid"] and not e["muted"]][0])

    def swap(self, params):
        clip, take = self._clip(params["uid"]), params["take"]
        layers = [each for each in self.project["layers"] if each["uid"] == clip["uid"]]
        if all(each["take"] != take["id"] for each in layers):
            layer = dict(layers[0], take=take["id"], take_name=take["label"], media_path=take["path"])
            self.project["layers"].append(layer)
            layers.append(layer)
        for each in layers:
            each["muted"] = each["take"] != take["id"]
        self.save()
        return self._placed([each for each in layers if not each["muted"]][0])

    def placements(self, params):
        return {"placements": [self._placed(each) for each in self.project["layers"] if not each["muted"]]}

    def seek(self, params):
        self.seen.append(["seek", params["frame"]])

    def mark(self, params):
        self.seen.append(["mark", params["notes"]])

    def versions(self, params):
        self.seen.append(["versions", params["uid"], [each["id"] for each in params["takes"]]])
        return {"count": 1 + len(params["takes"])}

    def state(self, params):
        self.reply = params
        say(state=params)

    # Commands of the tests

    def do(self, order):
        what = order.pop("do")
        if what == "change":
            self.project.update(order)
            self.link.notify("changed", {})
        elif what == "add":
            self.project.update(order)
        elif what == "busy":
            say(busy=True)
            time.sleep(order["seconds"])
        elif what == "set":
            for name, value in order.items():
                setattr(self, name, value)
        elif what == "call":
            name = order["method"]
            self.link.call(
                name, order["params"], lambda result: say(answer=result, method=name),
                lambda problem: say(
                    problem=[problem.kind, problem.what], remedy=problem.remedy, method=name))  # fmt: skip
        elif what == "start_panel":
            process = self.link.start_panel(order["command"], order.get("environment"), order.get("log"))
            say(panel=process.pid)
        elif what == "report":
            say(project=self.project, seen=self.seen, connected=self.link.connected, running=self.link.panel_running)
        elif what == "close":
            self.link.close()
            sys.exit(0)


def say(**facts):
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main():
    application = Application(sys.argv[1])
    port, token = application.link.listen()
    say(port=port, token=token, pid=os.getpid())
    orders = queue.Queue()

    def read():
        for line in sys.stdin:
            orders.put(json.loads(line))
        orders.put({"do": "close"})

    threading.Thread(target=read, daemon=True).start()
    while True:
        application.link.poll(0.01)
        while not orders.empty():
            application.do(orders.get())


if __name__ == "__main__":
    main()
