"""One class for each optional capability of an agent; a host's class is composed of those that its agent offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Many
from fractions import Fraction
from pathlib import Path

import msgspec

from bridge.editorial.clip_list import Shot
from bridge.editorial.placement import PlacedTake
from contract.errors import Problem
from contract.take import Note
from plugin.background_runner import BackgroundRunner
from plugin.hosts.agent_host import AgentHost, clip_gone
from plugin.hosts.agent_messages import (
    AgentHello,
    HostClip,
    HostTimeline,
    PlacementsReply,
    VersionCount,
    note_message,
    read_reply,
    take_message,
)
from plugin.hosts.agent_session import AgentSession
from plugin.hosts.base import Failed, HostProblem, Placed, Placement, PlacementFailed

REQUIRED = frozenset(("timeline", "export"))


class _Placing(AgentHost):
    """`place`; where `placements` is offered too, the placed takes are read after the timeline."""

    def __init__(self, session: AgentSession, hello: AgentHello, folder: Path, background: BackgroundRunner) -> None:
        super().__init__(session, hello, folder, background)
        self._placements: dict[str, Placement] = {}
        self._placements_changed: list[Callable[[], None]] = []

    def place(self, shot: Shot, takes: Many[PlacedTake], active: int, done: Placed, failed: Failed) -> None:
        """Have the agent place the takes, and check the placement that it reports."""
        messages = [take_message(each, shot) for each in takes]
        self._request("place", shot, {"takes": messages, "active": active}, takes[active], done, failed)

    def placements(self) -> Mapping[int, Placement]:
        """The placements as last read, by clip number."""
        here = {each.uid for each in self.timeline.clips} if self.timeline else set()
        return {self.index_of(uid): self._complete(each) for uid, each in self._placements.items() if uid in here}

    def on_placements(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever the placements that were read differ from the last ones."""
        self._placements_changed.append(changed)

    def notify_changed(self) -> None:
        """Report the changed timeline, then read its placements."""
        super().notify_changed()
        if "placements" in self.hello.capabilities and self.timeline is not None:
            self.session.call("placements", {}, self._placements_read, self._placements_failed)

    def _placements_read(self, reply: dict) -> None:
        try:
            found = read_reply(reply, PlacementsReply)
        except Problem as problem:
            self._placements_failed(problem)
            return
        self._set_placements({each.uid: each for each in found.placements})

    def _placements_failed(self, problem: Problem) -> None:
        """Keep the placements that were read before: they may still be right."""
        self.problem = problem

    def _set_placements(self, placements: dict[str, Placement]) -> None:
        if placements != self._placements:
            self._placements = placements
            for changed in self._placements_changed:
                changed()

    def _request(self, method: str, shot: Shot, params: dict, take: PlacedTake, done: Placed, failed: Failed) -> None:
        try:
            uid = self.clip(shot.index).uid
        except Problem as problem:
            failed(problem)
            return

        def compared(found: Placement, timeline: dict) -> None:
            try:
                self._check(found, self._clip_in(timeline, uid), take_message(take, shot), take.name)
            except Problem as problem:
                failed(problem)
                return
            self._set_placements({**self._placements, uid: found})
            done(self._complete(found))

        def placed(reply: dict) -> None:
            try:
                found = read_reply(reply, Placement)
            except Problem as problem:
                failed(problem)
                return
            # The timeline is read again: if the clip was moved after its export, the take is at the new position.
            self.session.call("timeline", {}, lambda reply: compared(found, reply), failed)

        self.session.call(method, {"uid": uid, **params}, placed, failed)

    def _clip_in(self, reply: dict, uid: str) -> HostClip:
        clip = next((each for each in read_reply(reply, HostTimeline).clips if each.uid == uid), None)
        if clip is None:
            raise clip_gone(self.name)
        return clip

    def _check(self, found: Placement, clip: HostClip, take: dict, name: str) -> None:
        offset, frames = take["part"] or (0, clip.record_frames)
        wanted = (clip.record_start + offset, frames)
        if (found.record_start, found.record_frames) == wanted and found.take == take["id"]:
            return
        raise PlacementFailed(
            f"“{name}” is not exactly above “{clip.name}”.",
            f"{self.name} reports {found.take_name or found.take} at frame {found.record_start}, {found.record_frames} "
            f"frames; expected at {wanted[0]}, {wanted[1]} frames.",
            f"Undo it in {self.name}, and report this.",
        )

    def _complete(self, found: Placement) -> Placement:
        """Fill in the fields that an agent may leave out, and the timeline's rate."""
        return msgspec.structs.replace(
            found,
            take_name=found.take_name or found.take,
            where=found.where or self.title,
            rate=self.timeline.rate if self.timeline else found.rate,
        )


class _Swapping(_Placing):
    def swap(self, shot: Shot, take: PlacedTake, done: Placed, failed: Failed) -> None:
        """Have the agent make another take the visible one."""
        self._request("swap", shot, {"take": take_message(take, shot)}, take, done, failed)


class _Seeking(AgentHost):
    def seek(self, shot: Shot, frame: int, failed: Failed) -> None:
        """Move the host's playhead."""
        rate = Fraction(*shot.timeline_rate) / shot.frame_rate
        there = shot.timeline_start + shot.record_start + int(frame * rate)
        self.session.call("seek", {"frame": there}, _ignore, failed)


class _Marking(AgentHost):
    def mark(self, shot: Shot, notes: Many[Note], failed: Failed) -> None:
        """Show the notes as markers."""
        params = {"uid": self.uid_at(shot.index), "notes": [note_message(each, shot) for each in notes]}
        self.session.call("mark", params, _ignore, failed)


class _Versioning(AgentHost):
    def add_versions(self, shot: Shot, takes: Many[PlacedTake], done: Callable[[int], None], failed: Failed) -> None:
        """Add the takes to the clip's own version stack."""

        def counted(reply: dict) -> None:
            try:
                done(read_reply(reply, VersionCount).count)
            except Problem as problem:
                failed(problem)

        params = {"uid": self.uid_at(shot.index), "takes": [take_message(each, shot) for each in takes]}
        self.session.call("versions", params, counted, failed)


class _Coloured(AgentHost):
    def palette(self) -> Mapping[str, str]:
        """The host's colours."""
        return self.hello.palette or {}


_ABILITIES: dict[str, type[AgentHost]] = {
    "swap": _Swapping,
    "place": _Placing,
    "seek": _Seeking,
    "mark": _Marking,
    "versions": _Versioning,
}


def agent_host(session: AgentSession, hello: AgentHello, folder: Path, background: BackgroundRunner) -> AgentHost:
    """A host with the capabilities that the agent offers. Raises HostProblem when a required one is missing."""
    lacking = REQUIRED - set(hello.capabilities)
    if lacking:
        raise HostProblem(
            f"The part of DynVFX inside {hello.host} lacks required functions.",
            f"Missing: {', '.join(sorted(lacking))}.",
            "Install DynVFX again, so that both parts have the same version.",
        )
    offered = set(hello.capabilities) - ({"swap"} if "place" not in hello.capabilities else set())
    parts = [part for name, part in _ABILITIES.items() if name in offered]
    if hello.palette:
        parts.append(_Coloured)
    kind = type("AgentHostOf" + hello.host.title(), (*parts, *(() if parts else (AgentHost,))), {})
    return kind(session, hello, folder, background)


def _ignore(reply: dict) -> None:
    """Nothing to do after a success."""
