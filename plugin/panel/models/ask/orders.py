"""From the artist's choices to the order that the service gets."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

from bridge.editorial.clip_list import Shot
from bridge.wire.messages import AddSpec, EditedMask, RefineSpec, TakeEntry, Upload
from contract.plan import Plan
from plugin.hosts.base import Host, ShotSource
from plugin.panel.models.ask.ask import Asked
from plugin.panel.models.settings_store import SettingsStore

_LONGEST_NAME = 40


class OrderPlaces:
    """Names folders for results: `NNN words of the instruction`, below the host's folder or the one in the settings."""

    def __init__(self, host: Host, settings: SettingsStore) -> None:
        self._host, self._settings = host, settings
        self._given: set[Path] = set()

    def next_folder(self, instruction: str) -> str | None:
        """A folder that is not there yet; None leaves the results in the service's own folder."""
        chosen = self._settings.get("takes_folder", "")
        base = Path(chosen) if chosen else self._host.output_folder()
        if base is None:
            return None
        words = "-".join(re.findall(r"[^\W_]+", instruction.lower()))[:_LONGEST_NAME].strip("-") or "take"
        taken = {each.name[:3] for each in base.iterdir()} if base.is_dir() else set()
        taken |= {each.name[:3] for each in self._given if each.parent == base}
        number = next(count for count in range(1, 10_000) if f"{count:03d}" not in taken)
        folder = base / f"{number:03d}-{words}"
        self._given.add(folder)
        return str(folder)


def token_for(shot_key: str) -> str:
    """A job's own text, by which a later start of the panel knows whose shot it is."""
    return f"{shot_key}.{uuid.uuid4().hex}"


def add_spec(
    asked: Asked,
    source: ShotSource,
    shot: Shot,
    settings: SettingsStore,
    output: str | None,
    plan: Plan | None,
    uploads: tuple[Upload, ...] = (),
    layer: str | None = None,
) -> AddSpec:
    """The order for new content in a shot; `uploads` are its files where they had to travel.

    `layer` is the kind of file that the host wants; the settings' one when None.
    """
    return AddSpec(
        instruction=asked.instruction,
        takes=asked.takes,
        seed=asked.seed,
        quality=asked.quality,
        scope=asked.scope if plan is None else plan.scope,
        assistant=settings.get("assistant", "") or None,
        plan=plan,
        layer=layer or settings.get("layer", "prores4444"),
        source=source.source,
        clip=source.clip,
        part=shot.part,
        model=asked.model,
        output=output,
        media_folders=source.media_folders,
        download=asked.download,
        uploads=uploads,
        region=asked.region,
    )


def refine_spec(
    entry: TakeEntry, wanted: dict[str, Any], asked: Asked, settings: SettingsStore, layer: str | None = None
) -> RefineSpec:
    """The order for a child of a take; `wanted` is what the review asks for."""
    mask = EditedMask(**wanted["mask"]) if wanted.get("mask") else None
    return RefineSpec(
        instruction=str(wanted["instruction"]),
        takes=1,
        seed=asked.seed,
        quality=asked.quality,
        assistant=settings.get("assistant", "") or None,
        layer=layer or settings.get("layer", "prores4444"),
        job=entry.job,
        take=entry.number,
        region=wanted.get("region"),
        mask=mask,
        levels=wanted.get("levels"),
    )
