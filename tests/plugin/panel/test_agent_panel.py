"""The panel's models over a real agent link: an editing application in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest
from PyQt6.QtCore import QCoreApplication, Qt
from PyQt6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from bridge.wire.messages import Estimate, Submit
from contract.take import Note
from dynvfx.backbones.tiny.family import RULES
from dynvfx.errors import ClipTooLong
from plugin.hosts.agent_abilities import agent_host
from plugin.hosts.agent_messages import ClipProblem
from plugin.hosts.agent_session import AgentSession
from plugin.hosts.base import (
    ExportsClips,
    FollowsSelection,
    HasPalette,
    NativeVersions,
    OpensTimelines,
    PlacesTakes,
    SeeksTo,
    SelectsClips,
    ShowsMarkers,
    SwapsTakes,
)
from plugin.panel.agent_application import ADDRESS, TOKEN, AgentPanel
from plugin.panel.application import application
from plugin.panel.models.agent.agent_requests import AgentRequests
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.panel.reviewing import Reviewing
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.review.model import ReviewModel
from plugin.panel.review.widgets.notes_panel import NotesPanel
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.zones.takes_zone import TakesZone
from tests.plugin.hosts.agent_driver import AgentProcess, exported, write_project
from tests.plugin.movies import write_movie
from tests.plugin.panel.fake_service import FakeService, FakeServices
from tests.plugin.panel.immediate_background import ImmediateBackground

Until = Callable[[Callable[[], bool]], None]


class NoStills:
    def path_of(self, movie: str) -> str:
        return ""


class Joined:
    """A panel and the application that it serves."""

    def __init__(self, project: Path, services: FakeServices, folder: Path, until: Until) -> None:
        self.agent = AgentProcess(project)
        self.session = AgentSession(self.agent.address, self.agent.token, "0.1")
        self.ends: list = []
        self.session.ended.connect(self.ends.append)
        self.session.begin()
        until(lambda: self.session.hello is not None)
        settings = SettingsStore(folder / "panel")
        self.host = agent_host(self.session, self.session.hello, folder / "host", ImmediateBackground())
        self.panel = PanelModel(self.host, services, settings, ImmediateBackground())
        self.agent_requests = AgentRequests(self.panel, self.host, NoStills(), ImmediateBackground())
        self.panel.begin()
        self.host.read_timeline()
        until(lambda: self.host.timeline is not None and self.panel.backend.ready)

    def close(self) -> None:
        self.session.close()
        self.panel.close()
        self.agent.close()


@pytest.fixture
def join(qapp: QCoreApplication, services: FakeServices, tmp_path: Path, until: Until) -> Iterator[Callable]:
    made = []

    def join(names: tuple[str, ...] = ("street",), **facts: object) -> Joined:
        made.append(Joined(write_project(tmp_path / "project", names, **facts), services, tmp_path, until))
        return made[-1]

    yield join
    for each in made:
        each.close()


def finish(joined: Joined, service: FakeService, until: Until, folder: Path, job: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("layer.mov", "composite.mov", "preview.mp4"):
        write_movie(folder / name, 18)
    take = service.finish_take(job, 1, folder)
    service.finish(job)
    until(lambda: joined.panel.takes.entry_of(take.id) is not None)
    return take.id


def finish_pictures(service: FakeService, until: Until, joined: Joined, folder: Path, job: str, number: int) -> str:
    """A take whose layer is an image sequence."""
    (folder / "layer").mkdir(parents=True)
    for name in ("composite.mov", "preview.mp4"):
        write_movie(folder / name, 18)
    for frame in range(18):
        (folder / "layer" / f"layer.{frame:06d}.png").write_bytes(b"picture")
    take = service.finish_take(job, number, folder, layer="layer/layer.%06d.png")
    until(lambda: joined.panel.takes.entry_of(take.id) is not None)
    return take.id


def generate(joined: Joined, service: FakeService, until: Until, folder: Path) -> str:
    """Plan, generate, and finish a take; returns its id."""
    panel = joined.panel
    panel.ask.instruction = "add a red balloon"
    panel.make_plan()
    until(lambda: bool(panel.plan.job))
    job = panel.plan.job
    service.plan(job)
    until(lambda: panel.plan.state == "ready")
    panel.generate()
    until(lambda: service.jobs[job].state == "queued")
    return finish(joined, service, until, folder, job)


def test_a_host_has_the_capabilities_of_its_agent(join: Callable) -> None:
    full = join(palette={"window": "#303030"}).host
    for capability in (ExportsClips, FollowsSelection, PlacesTakes, SwapsTakes, SeeksTo, ShowsMarkers, NativeVersions):
        assert isinstance(full, capability)
    assert isinstance(full, HasPalette) and full.palette() == {"window": "#303030"}
    assert not isinstance(full, OpensTimelines) and not isinstance(full, SelectsClips)
    least = join(offers=["timeline", "export", "seek"]).host
    for capability in (PlacesTakes, SwapsTakes, ShowsMarkers, NativeVersions, HasPalette):
        assert not isinstance(least, capability)
    assert isinstance(least, SeeksTo)


def test_the_panel_follows_the_hosts_selection(join: Callable, until: Until) -> None:
    joined = join(("street", "park"))
    shot = joined.panel.shot
    until(lambda: shot.shot is not None)
    assert shot.shot.name == "street" and (shot.shot.record_start, shot.shot.record_frames) == (12, 18)
    assert joined.panel.shot.shot.handles == (2, 4) and len(shot.clips) == 2
    first = shot.key
    joined.agent.do("change", selected=["strip-2"])
    until(lambda: shot.shot is not None and shot.shot.name == "park")
    joined.agent.do("change", selected=[])
    until(lambda: shot.shot is None)
    joined.agent.do("change", selected=["strip-1"])
    until(lambda: shot.shot is not None)
    assert shot.key == first


def test_from_the_selection_to_the_take_in_the_hosts_timeline(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    panel = joined.panel
    until(lambda: panel.shot.shot is not None)
    take = generate(joined, service, until, tmp_path / "takes" / "01")
    submitted = next(each for each in service.requests if isinstance(each, Submit))
    assert submitted.spec.layer == "png" and submitted.spec.start.source.endswith("shot.otio")
    assert submitted.spec.output.startswith(str(tmp_path / "project" / "cut dynvfx"))
    panel.decisions.approve_and_place(take)
    assert panel.placements.placing and "Placing" in panel.placements.status_text
    until(lambda: panel.placements.current is not None and not panel.placements.placing)
    layers = joined.agent.report()["project"]["layers"]
    assert [(each["take"], each["record_start"], each["record_frames"]) for each in layers] == [(take, 86412, 18)]
    until(lambda: service.entries[next(iter(service.entries))].take.status == "approved")
    assert panel.takes.cards[0].placed and "Scene" in panel.placements.status_text


def test_a_clip_that_must_be_rendered_is_rendered_when_a_plan_is_requested(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    project = joined.agent.report()["project"]
    project["exports"]["strip-1"].update(steps=40, pace=0.01)
    clip = {**project["clips"][0], "render": "retimed"}
    joined.agent.do("change", clips=[clip], exports=project["exports"])
    panel = joined.panel
    until(lambda: panel.shot.awaits_export and panel.shot.exports.now.reason == "retimed")
    until(lambda: not panel.shot.exporting)
    panel.ask.instruction = "add a red balloon"
    assert panel.plan_hindrance == ""
    folders = list((tmp_path / "host" / "exports").glob("*/*/*"))
    panel.make_plan()
    until(lambda: panel.shot.exporting and panel.shot.exports.now.done > 1)
    assert panel.shot.exports.now.total == 40 and panel.shot.exports.now.text == "Rendering"
    panel.shot.exports.cancel()
    assert not panel.shot.exporting and not service.jobs
    until(lambda: list((tmp_path / "host" / "exports").glob("*/*/*")) == folders)
    panel.make_plan()
    until(lambda: bool(panel.plan.job))
    exported = [each for each in joined.agent.report()["seen"] if each == ["export", "strip-1"]]
    assert panel.shot.shot.record_frames == 18
    # The render is used again while the clip is unchanged.
    panel.drop_plan()
    panel.make_plan()
    until(lambda: bool(panel.plan.job))
    assert [each for each in joined.agent.report()["seen"] if each == ["export", "strip-1"]] == exported


def test_a_clicked_note_moves_the_hosts_playhead(
    join: Callable, service: FakeService, until: Until, tmp_path: Path, qtbot: QtBot
) -> None:
    joined = join()
    panel = joined.panel
    until(lambda: panel.shot.shot is not None)
    take = generate(joined, service, until, tmp_path / "takes" / "01")
    review = ReviewModel()
    reviewing = Reviewing(panel, review)
    try:
        reviewing.feed()
        review.pick(take)
        notes = NotesPanel(review)
        qtbot.addWidget(notes)
        review.transport.seek(5)
        assert review.add_note("The fin is too dark.") is not None
        notes.show()
        item = notes.list.topLevelItem(0)
        qtbot.mouseClick(notes.list.viewport(), Qt.MouseButton.LeftButton, pos=notes.list.visualItemRect(item).center())
        until(lambda: ["seek", 86412 + 5] in joined.agent.report()["seen"])
    finally:
        review.close()


def test_a_take_is_added_to_the_hosts_own_versions(
    join: Callable, service: FakeService, until: Until, tmp_path: Path, qtbot: QtBot
) -> None:
    def offered() -> set[str]:
        zone.choose(f"take:{second.job}:{second.number}")
        return {each.text() for each in zone.action_row.findChildren(QAbstractButton)}

    joined = join()
    panel = joined.panel
    until(lambda: panel.shot.shot is not None)
    first = generate(joined, service, until, tmp_path / "takes" / "01")
    second = panel.takes.entry_of(generate(joined, service, until, tmp_path / "takes" / "02"))
    zone = TakesZone(panel, Thumbnails(ImmediateBackground()))
    qtbot.addWidget(zone)
    assert "Add to take selector" not in offered()
    panel.decisions.approve_and_place(first)
    until(lambda: panel.placements.current is not None)
    assert "Add to take selector" in offered()
    zone.act("version")
    until(lambda: ["versions", "strip-1", [second.take.id]] in joined.agent.report()["seen"])
    until(lambda: "one of 2 takes" in panel.message)
    assert panel.placements.current.take == first and panel.problem is None


def move(joined: Joined, start: int) -> None:
    """The user moves the clip."""
    project = joined.agent.report()["project"]
    moved = {**project["clips"][0], "record_start": start}
    exports = {"strip-1": {"otio": exported(Path(moved["media"]), start)}}
    joined.agent.do("change", clips=[moved], exports=exports)


def test_a_clip_that_was_moved_keeps_its_plan_and_its_takes(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    panel = joined.panel
    until(lambda: panel.shot.shot is not None)
    panel.ask.instruction = "add a red balloon"
    panel.make_plan()
    until(lambda: bool(panel.plan.job))
    job = panel.plan.job
    service.plan(job)
    until(lambda: panel.plan.state == "ready")
    move(joined, 86400)
    until(lambda: panel.shot.shot is not None and panel.shot.shot.record_start == 0)
    assert panel.plan.state == "ready" and panel.plan.job == job
    panel.generate()
    until(lambda: service.jobs[job].state == "queued")
    take = finish(joined, service, until, tmp_path / "takes" / "01", job)
    move(joined, 86500)
    until(lambda: panel.shot.shot is not None and panel.shot.shot.record_start == 100)
    panel.decisions.approve_and_place(take)
    until(lambda: panel.placements.current is not None)
    assert panel.placements.current.record_in == "01:00:04:04"
    assert [each["record_start"] for each in joined.agent.saved()["layers"]] == [86500]


def test_a_clip_that_moves_in_the_moment_of_placing(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    until(lambda: joined.panel.shot.shot is not None)
    take = generate(joined, service, until, tmp_path / "takes" / "01")
    joined.agent.set(nudge=40)
    joined.panel.decisions.approve_and_place(take)
    until(lambda: joined.panel.placements.current is not None)
    assert [each["record_start"] for each in joined.agent.saved()["layers"]] == [86412 + 40]
    assert joined.panel.problem is None


def test_a_misplaced_take_is_reported(join: Callable, service: FakeService, until: Until, tmp_path: Path) -> None:
    joined = join()
    until(lambda: joined.panel.shot.shot is not None)
    take = generate(joined, service, until, tmp_path / "takes" / "01")
    joined.agent.set(slip=1)
    joined.panel.decisions.approve_and_place(take)
    until(lambda: joined.panel.problem is not None)
    assert joined.panel.problem.kind == "placement_failed" and "86413" in joined.panel.problem.why
    assert joined.panel.takes.entry_of(take).take.status == "pending"


def test_an_export_at_another_place_is_refused(join: Callable, until: Until) -> None:
    joined = join()
    project = joined.agent.report()["project"]
    joined.agent.do("change", clips=[{**project["clips"][0], "record_start": 90000}])
    until(lambda: joined.panel.shot.problem is not None)
    assert joined.panel.shot.problem.kind == "bad_reply" and "is not at" in joined.panel.shot.problem.what


def test_a_refusal_of_the_host_is_reported_and_nothing_is_approved(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    until(lambda: joined.panel.shot.shot is not None)
    take = generate(joined, service, until, tmp_path / "takes" / "01")
    joined.agent.set(fails={"place": "There is no free channel."})
    joined.panel.decisions.approve_and_place(take)
    until(lambda: joined.panel.problem is not None)
    problem = joined.panel.problem
    assert (problem.kind, problem.what, problem.remedy) == (
        "no_free_track",
        "There is no free channel.",
        "Add a track.",
    )
    assert joined.panel.takes.entry_of(take).take.status == "pending" and not joined.panel.placements.placing
    joined.agent.set(fails={})
    joined.panel.decisions.approve_and_place(take)
    until(lambda: joined.panel.placements.current is not None)


def test_the_hosts_own_panel_generates_places_and_is_reported(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join(("street", "park"))
    agent = joined.agent
    until(lambda: joined.panel.shot.shot is not None)
    agent.do(
        "call",
        method="generate",
        params={"uids": ["strip-2", "strip-1"], "instruction": "add fire", "quality": "draft", "scope": "object"},
    )
    until(lambda: agent.last("answer") is not None)
    jobs = agent.last("answer")["jobs"]
    specs = [service.specs[each] for each in jobs]
    assert (
        len(jobs) == 2
        and {each.quality for each in specs} == {"draft"}
        and specs[0].start.source != specs[1].start.source
    )
    service.progress(jobs[0], 10)
    until(lambda: any(each["state"] == "refining" for each in (agent.last("state") or {"jobs": ()})["jobs"]))
    reported = next(each for each in agent.last("state")["jobs"] if each["id"] == jobs[0])
    assert reported["uid"] == "strip-2" and 0 < reported["fraction"] < 1 and reported["seconds_left"] == 42.0
    take = finish(joined, service, until, tmp_path / "takes" / "01", jobs[0])
    until(lambda: [each["id"] for each in agent.last("state")["takes"]] == [take])
    # Another clip is selected: the take is placed above its own clip.
    agent.do("call", method="place_take", params={"take": take})
    until(lambda: {"take": take}.items() <= (agent.last("state")["takes"][0] | {"take": take}).items())
    until(lambda: agent.last("state")["takes"][0]["placed"])
    layers = agent.report()["project"]["layers"]
    assert [(each["uid"], each["record_start"]) for each in layers] == [("strip-2", 86430)]
    until(lambda: agent.last("state")["takes"][0]["status"] == "approved")
    agent.do("call", method="set_status", params={"take": take, "status": "rejected"})
    until(lambda: service.entries[jobs[0], 1].take.status == "rejected")
    agent.do("call", method="cancel", params={"job": jobs[1]})
    until(lambda: service.jobs[jobs[1]].state == "cancelled")
    for method, params in (("cancel", {"job": "x"}), ("set_status", {"take": take, "status": "?"}), ("dance", {})):
        count = len(agent.read())
        agent.do("call", method=method, params=params)
        until(lambda count=count: any("problem" in each for each in agent.read()[count:]))
    agent.do("call", method="generate", params={"uids": ["nowhere"], "instruction": "add fire"})
    until(lambda: (agent.last("problem") or [""])[0] == "clip_gone")


def test_the_clips_other_takes_come_along(join: Callable, service: FakeService, until: Until, tmp_path: Path) -> None:
    joined = join()
    question = {"uids": ["strip-1"], "instruction": "add fire", "quality": "draft"}
    joined.agent.do("call", method="generate", params=question)
    until(lambda: joined.agent.last("answer") is not None)
    (job,) = joined.agent.last("answer")["jobs"]
    takes = [finish_pictures(service, until, joined, tmp_path / f"{n}", job, n) for n in (1, 2)]
    lost = finish_pictures(service, until, joined, tmp_path / "3", job, 3)
    (tmp_path / "3" / "layer" / "layer.000000.png").unlink()
    joined.agent.do("call", method="place_take", params={"take": takes[1]})
    until(lambda: any(each["placed"] for each in (joined.agent.last("state") or {"takes": ()})["takes"]))
    layers = {each["take"]: each["muted"] for each in joined.agent.saved()["layers"]}
    assert layers == {takes[1]: False, takes[0]: True} and lost not in layers


def test_the_first_request_waits_for_the_backend(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    question = {"uids": ["strip-1"], "instruction": "add fire", "quality": "draft"}
    joined.panel.backend.state = "starting"
    joined.agent.do("call", method="generate", params=question)
    until(lambda: joined.agent_requests.waits)
    assert not service.specs
    joined.panel.backend.state = "ready"
    until(lambda: joined.agent.last("answer") is not None)
    assert joined.agent.last("answer")["jobs"] == list(service.specs)
    joined.panel.backend.state = "connecting"
    joined.agent.do("call", method="generate", params=question)
    until(lambda: joined.agent_requests.waits)
    joined.panel.backend.state = "missing"
    until(lambda: joined.agent.last("problem") is not None)
    assert "not ready" in joined.agent.last("problem")[1]


def test_the_application_closes_while_a_take_is_placed(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    until(lambda: joined.panel.shot.shot is not None)
    take = generate(joined, service, until, tmp_path / "takes" / "01")
    joined.agent.set(slow=5)
    joined.panel.decisions.approve_and_place(take)
    joined.agent.kill()
    until(lambda: bool(joined.ends))
    assert joined.panel.problem.kind == "host_gone" and not joined.panel.placements.placing
    assert joined.agent.saved().get("layers", []) == []
    assert joined.panel.takes.entry_of(take).take.status == "pending"


def test_notes_on_a_placed_take_are_markers_in_the_host(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    until(lambda: joined.panel.shot.shot is not None)
    take = generate(joined, service, until, tmp_path / "takes" / "01")
    joined.panel.decisions.approve_and_place(take)
    until(lambda: joined.panel.placements.current is not None)
    joined.panel.decisions.set_notes(take, (Note(text="brighter", first=2, last=4, category="look"),))
    note = {"first": 2, "last": 4, "text": "brighter", "category": "look", "author": ""}
    until(lambda: ["mark", [note]] in joined.agent.report()["seen"])


def finish_part(
    joined: Joined, service: FakeService, until: Until, folder: Path, job: str, first: int, count: int
) -> str:
    """A take of `count` frames from the media's frame `first` on."""
    folder.mkdir(parents=True)
    for name in ("layer.mov", "composite.mov", "preview.mp4"):
        write_movie(folder / name, count)
    take = service.finish_take(job, 1, folder, first_number=first, frame_count=count, record_range=(12, count))
    service.finish(job)
    until(lambda: joined.panel.takes.entry_of(take.id) is not None)
    return take.id


@pytest.mark.parametrize("moved", [False, True], ids=["", "moved"])
def test_a_take_of_a_part_is_placed_over_its_frames(
    join: Callable, service: FakeService, until: Until, tmp_path: Path, moved: bool
) -> None:
    joined = join()
    panel = joined.panel
    until(lambda: panel.shot.shot is not None)
    panel.shot.choose_part(4, 9)
    assert panel.shot.problem is None
    panel.ask.instruction = "add a red balloon"
    panel.make_plan()
    until(lambda: bool(panel.plan.job))
    job = panel.plan.job
    assert service.specs[job].start.part == (4, 9)
    service.plan(job)
    until(lambda: panel.plan.state == "ready")
    panel.generate()
    until(lambda: service.jobs[job].state == "queued")
    take = finish_part(joined, service, until, tmp_path / "takes" / "01", job, first=2 + 4, count=6)
    start = 86500 if moved else 86412
    if moved:
        move(joined, start)
        until(lambda: panel.shot.shot is not None and panel.shot.whole.record_start == 100)
    # From the small panel, with the whole clip selected.
    panel.shot.choose_part(0, 17)
    joined.agent.do("call", method="place_take", params={"take": take})
    until(lambda: bool(joined.agent.saved().get("layers")))
    layers = joined.agent.saved()["layers"]
    assert [(each["take"], each["record_start"], each["record_frames"]) for each in layers] == [(take, start + 4, 6)]
    until(lambda: panel.takes.entry_of(take).take.status == "approved")
    # From the panel, with the part selected; a note's frames count from the clip's first.
    panel.shot.choose_part(4, 9)
    panel.decisions.approve_and_place(take)
    until(lambda: panel.placements.current is not None and panel.problem is None)
    panel.decisions.set_notes(take, (Note(text="brighter", first=1, last=2),))
    note = {"first": 5, "last": 6, "text": "brighter", "category": "", "author": ""}
    until(lambda: ["mark", [note]] in joined.agent.report()["seen"])


def test_an_application_without_parts_says_so_at_once(join: Callable, until: Until) -> None:
    joined = join(parts=False)
    until(lambda: joined.panel.shot.shot is not None)
    joined.panel.shot.choose_part(4, 9)
    assert "part of a clip" in joined.panel.shot.problem.what and joined.panel.shot.part is None


def with_tiny_window(service: FakeService) -> None:
    """Let the backend estimate with the rules of the shipped model, which sees 3 seconds."""
    plain = service._estimate

    def estimate(request: Estimate) -> object:
        try:
            RULES.choose(request.width, request.height, request.frames, Fraction(request.rate))
        except ClipTooLong as problem:
            return problem
        return plain(request)

    service._estimate = estimate


@pytest.mark.parametrize(("parts", "render"), [(True, None), (False, None), (True, "retimed")])
def test_a_clip_that_is_too_long_is_refused_before_anything_starts(
    join: Callable, service: FakeService, until: Until, parts: bool, render: str | None
) -> None:
    with_tiny_window(service)
    joined = join(("street", "park"), parts=parts)
    clips = joined.agent.report()["project"]["clips"]
    clips[1] = {**clips[1], "record_frames": 100, "render": render}
    joined.agent.do("change", clips=clips)
    question = {"uids": ["strip-1", "strip-2"], "instruction": "add fire", "quality": "draft"}
    seen = len(joined.agent.report()["seen"])
    joined.agent.do("call", method="generate", params=question)
    until(lambda: joined.agent.last("problem") is not None)
    assert joined.agent.last("problem")[0] == "clip_too_long"
    assert ["export", "strip-2"] not in joined.agent.report()["seen"][seen:] and not service.specs
    remedy = joined.agent.last("remedy")
    assert ("Choose a part" in remedy) == (parts and render is None) and "cut" in remedy.lower()
    # The remedy: a shorter piece.
    clips[1]["record_frames"], clips[1]["render"] = 18, None
    joined.agent.do("change", clips=clips)
    joined.agent.do("call", method="generate", params=question)
    until(lambda: joined.agent.last("answer") is not None)
    assert len(service.specs) == 2


def test_a_clip_that_must_be_rendered_is_measured_before(join: Callable, service: FakeService, until: Until) -> None:
    with_tiny_window(service)
    joined = join()
    clip = {**joined.agent.report()["project"]["clips"][0], "render": "retimed", "record_frames": 100}
    joined.agent.do("change", clips=[clip])
    panel = joined.panel
    until(lambda: panel.shot.awaits_export and panel.shot.exports.now.reason == "retimed" and not panel.shot.exporting)
    panel.ask.instruction = "add a red balloon"
    seen = joined.agent.report()["seen"]
    panel.make_plan()
    until(lambda: panel.problem is not None)
    assert panel.problem.kind == "clip_too_long" and panel.problem.remedy.startswith("Cut the clip in Blender")
    assert joined.agent.report()["seen"] == seen and not panel.shot.exporting


def test_an_order_for_a_clip_that_was_just_added(join: Callable, service: FakeService, until: Until) -> None:
    """The application's change and its request come in the same moment."""
    joined = join(("street", "park"))
    project = joined.agent.report()["project"]
    joined.agent.do("change", clips=project["clips"][:1], selected=["strip-1"])
    until(lambda: len(joined.panel.shot.clips) == 1)
    joined.agent.do("add", clips=project["clips"])  # without a notification
    question = {"uids": ["strip-2"], "instruction": "add fire", "quality": "draft"}
    joined.agent.do("call", method="generate", params=question)
    until(lambda: joined.agent.last("answer") is not None)
    assert len(service.specs) == 1


def test_a_cancelled_job_stays_listed_until_it_is_dismissed(join: Callable, service: FakeService, until: Until) -> None:
    joined = join()
    agent = joined.agent
    question = {"uids": ["strip-1"], "instruction": "add fire", "quality": "draft"}
    agent.do("call", method="generate", params=question)
    until(lambda: agent.last("answer") is not None)
    (job,) = agent.last("answer")["jobs"]

    def states() -> list[str]:
        return [each["state"] for each in (agent.last("state") or {"jobs": ()})["jobs"]]

    agent.do("call", method="cancel", params={"job": job})
    until(lambda: states() == ["cancelled"])
    agent.do("call", method="retry", params={"job": job})
    until(lambda: states() == ["queued"])
    agent.do("call", method="cancel", params={"job": job})
    until(lambda: states() == ["cancelled"])
    agent.do("call", method="dismiss", params={"job": job})
    until(lambda: states() == [])
    # A plan that the artist drops in the panel was not asked for here.
    joined.panel.ask.instruction = "add a red balloon"
    joined.panel.make_plan()
    until(lambda: bool(joined.panel.plan.job))
    joined.panel.drop_plan()
    until(lambda: service.jobs[list(service.jobs)[-1]].state == "cancelled")
    agent.do("call", method="show", params={})
    until(lambda: agent.last("method") == "show")
    assert states() == []


def test_takes_are_said_to_be_listed_only_when_they_were(join: Callable, until: Until) -> None:
    joined = join()
    until(lambda: (joined.agent.last("state") or {}).get("takes_listed") is True)
    states = [each["state"]["takes_listed"] for each in joined.agent.read() if "state" in each]
    assert states == sorted(states)


def test_a_follow_up_has_the_effect_of_the_take_that_it_follows(
    join: Callable, service: FakeService, until: Until, tmp_path: Path
) -> None:
    joined = join()
    question = {"uids": ["strip-1"], "instruction": "add fire", "quality": "draft"}
    joined.agent.do("call", method="generate", params=question)
    until(lambda: joined.agent.last("answer") is not None)
    (job,) = joined.agent.last("answer")["jobs"]
    first = finish_pictures(service, until, joined, tmp_path / "1", job, 1)
    pictures = "layer/layer.%06d.png"
    second = service.finish_take(job, 2, tmp_path / "1", parent=first, instruction="make it smaller", layer=pictures)
    third = service.finish_take(job, 3, tmp_path / "1", parent=second.id, instruction="and blue", layer=pictures)
    until(lambda: joined.panel.takes.entry_of(third.id) is not None)
    takes = joined.panel.takes
    effect = takes.entry_of(first).take.instruction
    assert effect not in ("make it smaller", "and blue")
    assert [takes.effect_of(takes.entry_of(each)) for each in (first, second.id, third.id)] == [effect] * 3
    joined.agent.do("call", method="place_take", params={"take": third.id})
    until(lambda: bool(joined.agent.saved().get("layers")))
    assert {each["effect"] for each in joined.agent.saved()["layers"]} == {effect}


def test_what_an_interrupted_change_left_is_shown_once(
    qapp: QCoreApplication, services: FakeServices, tmp_path: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    agent = AgentProcess(write_project(tmp_path / "project"))
    with application() as program:
        environment = {ADDRESS: agent.address, TOKEN: agent.token}
        ours = AgentPanel(program, environment, hidden=True, services=services)
        ours.session.begin()
        until(lambda: ours.panel is not None and ours.panel.host.timeline is not None)
        host, model = ours.panel.host, ours.panel.model
        left = ClipProblem("A change could not be undone.", "Left: 1 clip.", "Unlock the tracks.")
        reading = host.timeline
        for times in (1, 2):
            host.timeline = msgspec.structs.replace(reading, unrepaired=left)
            host.notify_changed()
            if times == 1:
                assert (model.problem.what, model.problem.remedy) == (left.what, left.remedy)
                model.problem = None  # the user has closed the banner
        assert model.problem is None
        host.timeline = reading
        host.notify_changed()
        ours.close()
    agent.close()
