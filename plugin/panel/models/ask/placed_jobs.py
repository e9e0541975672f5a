"""From the choices to the job that the backend gets: its clip or take, its folder, its plan."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import msgspec

from bridge.editorial.clip_list import Shot
from bridge.wire.messages import TakeEntry
from contract.job import ClipSource, InputFile, JobSpec, LayerKind, PaintedMask, TakeSource
from contract.plan import Plan
from plugin.hosts.base import Host, ShotSource
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.review.follow_up import FollowUp

_LONGEST_NAME = 40


class ResultFolders:
    """Names folders for results: `NNN words of the instruction`, below the host's folder or the one in the settings."""

    def __init__(self, host: Host, settings: SettingsStore) -> None:
        self._host, self._settings = host, settings
        self._given: set[Path] = set()

    def next_folder(self, instruction: str) -> str | None:
        """A folder that is not there yet; None leaves the results in the backend's own folder."""
        base = self._chosen()
        if base is None:
            return None
        words = "-".join(re.findall(r"[^\W_]+", instruction.lower()))[:_LONGEST_NAME].strip("-") or "take"
        taken = {each.name[:3] for each in base.iterdir()} if base.is_dir() else set()
        taken |= {each.name[:3] for each in self._given if each.parent == base}
        number = next(count for count in range(1, 10_000) if f"{count:03d}" not in taken)
        folder = base / f"{number:03d}-{words}"
        self._given.add(folder)
        return str(folder)

    def fetched_folder(self) -> Path:
        """Where takes go that come from another machine."""
        return self._chosen() or self._settings.folder / "takes"

    def _chosen(self) -> Path | None:
        chosen = self._settings.get("takes_folder", "")
        return Path(chosen) if chosen else self._host.output_folder()


def token_for(shot_key: str) -> str:
    """A job's own text, by which a later start of the panel knows whose shot it is."""
    return f"{shot_key}.{uuid.uuid4().hex}"


def of_clip(
    asked: JobSpec,
    source: ShotSource,
    shot: Shot,
    settings: SettingsStore,
    output: str | None,
    plan: Plan | None,
    uploads: tuple[InputFile, ...] = (),
    layer: LayerKind | None = None,
) -> JobSpec:
    """The job for a clip; `uploads` are its files where they had to travel.

    `layer` is the kind of file that the host wants; the settings' one when None.
    """
    edit = asked.edit if plan is None else msgspec.structs.replace(asked.edit, scope=plan.scope)
    start = ClipSource(
        source=source.source, clip=source.clip, part=shot.part, media_folders=source.media_folders, uploads=uploads
    )
    return msgspec.structs.replace(
        asked,
        start=start,
        edit=edit,
        assistant=settings.get("assistant", "") or None,
        plan=plan,
        layer=layer or settings.get("layer", "prores4444"),
        output=output,
    )


def of_take(
    entry: TakeEntry, wanted: FollowUp, asked: JobSpec, settings: SettingsStore, layer: LayerKind | None = None
) -> JobSpec:
    """The job for a child of a take, without the painted mask's file; `wanted` is what the review asks for."""
    mask = None if wanted.mask is None else PaintedMask(frame=wanted.mask_frame)
    edit = msgspec.structs.replace(
        asked.edit, instruction=wanted.instruction.strip(), scope=None, region=wanted.region, mask=mask
    )
    return JobSpec(
        start=TakeSource(job=entry.job, number=entry.number),
        edit=edit,
        seed=asked.seed,
        quality=asked.quality,
        levels=wanted.levels(entry.take),
        assistant=settings.get("assistant", "") or None,
        layer=layer or settings.get("layer", "prores4444"),
    )
