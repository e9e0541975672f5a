"""Completes the settings to a job for the backend: its clip or take, its folder, its plan."""

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
    """Names folders for results: `NNN-instruction`, below the host's folder or the one in the settings."""

    def __init__(self, host: Host, settings: SettingsStore) -> None:
        self._host, self._settings = host, settings
        self._given: set[Path] = set()

    def next_folder(self, instruction: str) -> str | None:
        """A folder that does not exist yet; None leaves the results in the backend's own folder."""
        base = self._chosen()
        if base is None:
            return None
        slug = "-".join(re.findall(r"[^\W_]+", instruction.lower()))[:_LONGEST_NAME].strip("-") or "take"
        taken = {each.name[:3] for each in base.iterdir()} if base.is_dir() else set()
        taken |= {each.name[:3] for each in self._given if each.parent == base}
        number = next(count for count in range(1, 10_000) if f"{count:03d}" not in taken)
        folder = base / f"{number:03d}-{slug}"
        self._given.add(folder)
        return str(folder)

    def fetched_folder(self) -> Path:
        """The folder of takes that are downloaded from another machine."""
        return self._chosen() or self._settings.folder / "takes"

    def _chosen(self) -> Path | None:
        chosen = self._settings.get("takes_folder", "")
        return Path(chosen) if chosen else self._host.output_folder()


def token_for(shot_key: str) -> str:
    """A new job's token, which names its shot: a restarted panel finds the shot of a job by it."""
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
    """The job for a clip.

    asked: the settings of the job
    source: how the backend opens the clip; `uploads` are the clip's files where they were uploaded
    output: the folder of the results, None for the backend's own
    plan: a plan that was made before
    layer: the kind of layer file that the host needs, None for the one in the settings
    """
    edit = asked.edit if plan is None else msgspec.structs.replace(asked.edit, scope=plan.scope)
    start = ClipSource(
        source=source.source,
        timeline=source.timeline,
        clip=source.clip,
        part=shot.part,
        rate=source.rate,
        media_folders=source.media_folders,
        uploads=uploads,
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
    """The job for a follow-up of a take, without the painted mask's file; `wanted` comes from the review."""
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
