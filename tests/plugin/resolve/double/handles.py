"""The handles that scripts get: without state, they look up their object at every call, like fusionscript's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.plugin.resolve.double import signatures
from tests.plugin.resolve.double.switches import (
    FREE_SCRIPTS_UNTIL,
    SINCE,
    SUBFRAMES_SINCE,
    TRACK_OPTIONS_SINCE,
)

if TYPE_CHECKING:
    from tests.plugin.resolve.double.world import World

_UNGATED = {"Resolve.GetProductName", "Resolve.GetVersion", "Resolve.GetVersionString"}
_TAKES = {"AddTake", "GetTakesCount", "GetSelectedTakeIndex", "GetTakeByIndex", "SelectTakeByIndex"}


class NotInDouble(AssertionError):
    """The double does not implement a call that Resolve has."""


class Killed(BaseException):
    """The agent's process ends here; nothing after it may run."""


class Handle:
    """An object of the scripting interface. An unknown name is None, never an AttributeError."""

    is_handle = True

    def __init__(self, world: World, kind: str, uid: str) -> None:
        self.__dict__.update(_world=world, _kind=kind, _uid=uid)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return attribute(self.__dict__["_world"], self, name)

    def __repr__(self) -> str:
        return f"<{self.__dict__['_kind']} {self.__dict__['_uid']}>"


def attribute(world: World, handle: Handle, name: str) -> Any:
    """The value of `handle.name`."""
    kind = handle.__dict__["_kind"]
    if world.gone:
        return None
    if world.agent_is_dead:
        raise Killed
    if kind == "Resolve" and name in signatures.constants():
        known = name != "EXPORT_OTIO" or (world.switches.otio and world.version >= world.switches.otio_since)
        return signatures.constant(name) if known else None
    overloads = signatures.classes()[kind].get(name)
    if overloads is None or world.version < SINCE.get(f"{kind}.{name}", (0, 0, 0)):
        return None
    if kind == "TimelineItem" and name in _TAKES and not world.switches.takes:
        return None
    if (kind, name) == ("Timeline", "AddTrack") and world.version < TRACK_OPTIONS_SINCE:
        overloads = overloads[:1]
    if kind == "TimelineItem" and world.version < SUBFRAMES_SINCE:
        overloads = tuple(tuple(each for each in one if each.name != "subframe_precision") for one in overloads)

    def call(*given: Any, **named: Any) -> Any:
        return _called(world, handle, name, overloads, given, named)

    return call


def _called(world: World, handle: Handle, name: str, overloads: tuple, given: tuple, named: dict) -> Any:
    kind, uid = handle.__dict__["_kind"], handle.__dict__["_uid"]
    key = f"{kind}.{name}"
    if world.gone:
        return None
    world.calls.append(key)
    if world.edition == "free" and world.version >= FREE_SCRIPTS_UNTIL and key not in _UNGATED:
        raise AssertionError(f"{key} was called in a free edition that has no scripting")
    signatures.check_call(kind, name, overloads, given, named)
    if world.dies("before"):
        return world.die()
    behaviour = world.behaviour(kind, name)
    if behaviour is None:
        raise NotInDouble(f"the double has no {key}")
    state = world.find(kind, uid)
    if state is None:
        return None
    if key in world.answers:
        answer = world.answers[key]
        return answer(world, *given) if callable(answer) else answer
    result = behaviour(world, state, *given)
    if world.switches.live_save and not name.startswith("Get"):
        world.save()
    if world.dies("after"):
        return world.die()
    return result
