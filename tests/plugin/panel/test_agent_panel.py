"""The panel's models over a real agent link: an editing application in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QCoreApplication

from bridge.messages import Submit
from plugin.hosts.agent_abilities import agent_host
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
    SwapsTakes,
    TakesMarkers,
)
from plugin.panel.background import Immediately
from plugin.panel.models.companion import Companion
from plugin.panel.models.memory import Memory
from plugin.panel.models.panel import PanelModel
from tests.plugin.hosts.agent_driver import AgentProcess, write_project
from tests.plugin.movies import write_movie
from tests.plugin.panel.fake_service import FakeService, FakeServices

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
        memory = Memory(folder / "panel")
        self.host = agent_host(self.session, self.session.hello, folder / "host", Immediately())
        self.panel = PanelModel(self.host, services, memory, Immediately())
        self.companion = Companion(self.panel, self.host, NoStills(), Immediately())
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


def generate(joined: Joined, service: FakeService, until: Until, folder: Path) -> str:
    """Plan, generate, and let a take come out; its id."""
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


def test_a_host_can_what_its_agent_offers(join: Callable) -> None:
    full = join(palette={"window": "#303030"}).host
    for capability in (ExportsClips, FollowsSelection, PlacesTakes, SwapsTakes, SeeksTo, TakesMarkers, NativeVersions):
        assert isinstance(full, capability)
    assert isinstance(full, HasPalette) and full.palette() == {"window": "#303030"}
    assert not isinstance(full, OpensTimelines) and not isinstance(full, SelectsClips)
    least = join(offers=["timeline", "export", "seek"]).host
    for capability in (PlacesTakes, SwapsTakes, TakesMarkers, NativeVersions, HasPalette):
        assert not isinstance(least, capability)
    assert isinstance(least, SeeksTo)


def test_the_selection_in_the_host_is_the_panels(join: Callable, until: Until) -> None:
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
    assert submitted.spec.layer == "png" and submitted.spec.source.endswith("shot.otio")
    assert submitted.spec.output.startswith(str(tmp_path / "project" / "cut dynvfx"))
    panel.verdicts.approve_and_place(take)
    assert panel.places.placing and "Placing" in panel.places.sentence
    until(lambda: panel.places.current is not None and not panel.places.placing)
    layers = joined.agent.tell()["project"]["layers"]
    assert [(each["take"], each["record_start"], each["record_frames"]) for each in layers] == [(take, 86412, 18)]
    until(lambda: service.entries[next(iter(service.entries))].take.status == "approved")
    assert panel.takes.cards[0].placed and "Scene" in panel.places.sentence
