"""From what a client asks for to what a worker is told: checked, and with all paths settled."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from backend.jobs.media_roots import MediaRoots
from backend.jobs.order_limits import check_limits
from backend.ledger.errors import NoSuchJob
from backend.ledger.ledger import Ledger
from backend.ledger.rows import Facts, JobRow
from backend.service.access import Access
from backend.service.model_list import named_folder, require_room
from backend.worker.messages import Run
from bridge.files.content_store import ContentStore
from bridge.files.errors import NotUploaded
from bridge.files.relative_paths import check_distinct
from bridge.wire.messages import AddSpec, RefineSpec, Shaping, Spec
from contract.errors import BadUsage
from contract.job import QUALITIES
from contract.take import read_take
from dynvfx.assistant.instruction import clean_instruction
from dynvfx.backbones.families import SHIPPED

MOST_TAKES = 64


class Admission:
    """Knows the folders: `home` holds what has no other place."""

    def __init__(
        self, home: Path, ledger: Ledger, store: ContentStore, roots: MediaRoots, access: Access, cache_bytes: int
    ) -> None:
        self._home, self._ledger, self._store = home, ledger, store
        self._roots, self._access, self._cache_bytes = roots, access, cache_bytes
        self.cache = home / "cache"
        self._tales = home / "tales"

    def admit(self, spec: Spec, client: str) -> tuple[Spec, Facts]:
        """The order with its paths settled, and what the ledger shall know of it. Raises Problems."""
        _check_shaping(spec)
        spec = msgspec.structs.replace(spec, segmenter=self.below_roots(spec.segmenter))
        return self._admit_refine(spec, client) if isinstance(spec, RefineSpec) else self._admit_add(spec, client)

    def output_of(self, row: JobRow) -> Path:
        """The folder of a job's results."""
        return Path(row.output) if row.output else self.own_output(row.id)

    def own_output(self, job: str) -> Path:
        """Where results go that nobody named a folder for."""
        return self._home / "jobs" / job

    def run_of(self, row: JobRow) -> Run:
        """What the worker is told; uploads are put together first. Raises NotUploaded, BadName, OutOfDisk."""
        return Run(
            job=row.id,
            spec=msgspec.structs.replace(row.spec, footprint=row.footprint),
            output=str(self.output_of(row)),
            media=self._media_of(row),
            hold=row.hold,
            approved_plan=row.plan,
            media_roots=tuple(map(str, self._roots.roots)),
            cache=str(self.cache),
            cache_bytes=self._cache_bytes,
            tale=str(self._tales / f"{row.id}-{row.tale}.jsonl"),
            heard=row.heard,
        )

    def forget_tales(self, job: str) -> None:
        """The job has ended: what its workers told is in the ledger, and a retry begins another tale."""
        for tale in self._tales.glob(f"{job}-*.jsonl"):
            with contextlib.suppress(OSError):  # open still, on Windows: it is small
                tale.unlink()

    def _media_of(self, row: JobRow) -> str | None:
        """The folder of what came over the bridge for a job; a follow-up works on the pictures of the first take."""
        while isinstance(row.spec, RefineSpec):
            parent = self._ledger.find(row.spec.job) if row.spec.job is not None else None
            if parent is None:
                return None
            row = parent
        if not row.spec.uploads:
            return None
        return str(self._store.materialise(row.spec.uploads, self._home / "media" / row.id, client=row.client))

    def _admit_add(self, spec: AddSpec, client: str) -> tuple[Spec, Facts]:
        _check_rate(spec.rate)
        changes: dict[str, Any] = {}
        if spec.uploads:
            check_distinct(upload.path for upload in spec.uploads)
            for upload in spec.uploads:
                if self._store.path(upload.sha256, client=client) is None:
                    raise NotUploaded(f"The file {upload.path} has not been uploaded.", remedy="Send it, then submit.")
        else:
            changes["source"] = str(self._roots.check(spec.source))
        changes["media_folders"] = tuple(str(self._roots.check(folder)) for folder in spec.media_folders)
        if spec.output is not None:
            changes["output"] = str(self._roots.check_output(spec.output))
        changes["model"] = self.below_roots(spec.model)
        if spec.download:
            require_room(spec.model)
        spec = msgspec.structs.replace(spec, **changes)
        facts = Facts(source=spec.source, model=spec.model, output=spec.output or "")
        return spec, facts

    def below_roots(self, name: str | None) -> str | None:
        """The name of a model or segmenter; where it is a folder, its path, which must lie below a media root.

        Weights and their configurations are files that a library unpacks and follows: only from where the service's
        owner put them. Raises OutsideMediaRoots.
        """
        folder = named_folder(name) if name is not None and name not in SHIPPED else None
        return name if folder is None else str(self._roots.check(folder))

    def _admit_refine(self, spec: RefineSpec, client: str) -> tuple[Spec, Facts]:
        parent = None
        if spec.take_folder is not None:
            folder = self._roots.check(spec.take_folder)
        elif spec.job is not None and spec.take is not None:
            parent = self._ledger.find(spec.job)
            if parent is None or not self._access.may_see(parent, client):
                raise NoSuchJob(spec.job)
            folder = Path(self._ledger.take(spec.job, spec.take).folder)
        else:
            raise BadUsage("No take to refine is named.", remedy="Name its folder, or its job and number.")
        take = read_take(folder)
        spec = msgspec.structs.replace(spec, take_folder=str(folder))
        facts = Facts(
            source=parent.source if parent else str(folder),
            model=str(take.request.get("model", "")),
            output=str(folder.parent.parent),
        )
        return spec, facts


def _check_shaping(spec: Shaping) -> None:
    clean_instruction(spec.instruction)
    if not 1 <= spec.takes <= MOST_TAKES:
        raise BadUsage(f"{spec.takes} takes were asked for.", remedy=f"Choose a number from 1 to {MOST_TAKES}.")
    if spec.quality not in QUALITIES:
        raise BadUsage(f"There is no quality {spec.quality!r}.", remedy=f"Choose one of {', '.join(QUALITIES)}.")
    if spec.scope not in (None, "object", "full_frame"):
        raise BadUsage(f"There is no scope {spec.scope!r}.", remedy="Choose object or full_frame, or leave it open.")
    check_limits(spec.region, spec.levels, spec.mask if isinstance(spec, RefineSpec) else None)
    if spec.plan is not None:
        spec.plan.validate()


def _check_rate(text: str | None) -> None:
    if text is None:
        return
    try:
        right = Fraction(text) > 0
    except (ValueError, ZeroDivisionError):
        right = False
    if not right:
        raise BadUsage(f"{text!r} is no rate.", remedy='Give it like "24" or "24000/1001".')
