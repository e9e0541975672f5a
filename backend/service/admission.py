"""From what a client asks for to what a worker gets: checked, and with all paths resolved."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from backend.jobs.media_roots import MediaRoots
from backend.ledger.errors import NoSuchJob
from backend.ledger.ledger import Ledger
from backend.ledger.rows import JobRow, JobUpdate
from backend.service.access import Access
from backend.service.model_list import named_folder, require_room
from backend.worker.messages import Run
from bridge.files.content_store import ContentStore
from bridge.files.errors import NotUploaded
from bridge.files.relative_paths import check_distinct
from contract.errors import BadUsage
from contract.job import LARGEST_MASK, ClipSource, JobSpec, TakeSource
from contract.take import read_take
from dynvfx.backbones.families import DEFAULT_MODEL, SHIPPED


class Admission:
    """Knows the folders: `home` holds what has no other place."""

    def __init__(
        self, home: Path, ledger: Ledger, store: ContentStore, roots: MediaRoots, access: Access, cache_bytes: int
    ) -> None:
        self._home, self._ledger, self._store = home, ledger, store
        self._roots, self._access, self._cache_bytes = roots, access, cache_bytes
        self.cache = home / "cache"
        self._journals = home / "journals"

    def admit(self, spec: JobSpec, client: str) -> tuple[JobSpec, JobUpdate]:
        """The job with its paths resolved, and what the ledger keeps of it. Raises Problems."""
        spec.validate()
        check_distinct(each.path for each in (spec.start.uploads if isinstance(spec.start, ClipSource) else ()))
        check_distinct(each.path for each in spec.inputs)
        for each in spec.files:
            if self._store.path(each.sha256, client=client) is None:
                raise NotUploaded(f"The file {each.path} has not been uploaded.", remedy="Send it, then submit.")
        self._check_mask(spec, client)
        if spec.segmenter is not None:
            spec = msgspec.structs.replace(spec, segmenter=self.below_roots(spec.segmenter))
        if isinstance(spec.start, TakeSource):
            return self._admit_follow_up(spec, spec.start, client)
        return self._admit_clip(spec, spec.start)

    def output_of(self, row: JobRow) -> Path:
        """The folder of a job's results."""
        return Path(row.output) if row.output else self.own_output(row.id)

    def own_output(self, job: str) -> Path:
        """Where results go when no folder was named."""
        return self._home / "jobs" / job

    def run_of(self, row: JobRow) -> Run:
        """What the worker gets; uploads are put together first. Raises NotUploaded, BadName, OutOfDisk."""
        inputs = self._home / "media" / row.id / "inputs"
        if row.spec.inputs:
            self._store.materialise(row.spec.inputs, inputs, client=row.client)
        return Run(
            job=row.id,
            spec=msgspec.structs.replace(row.spec, footprint=row.footprint),
            output=str(self.output_of(row)),
            media=self._media_of(row),
            approved_plan=row.plan,
            inputs={each.path: str(inputs / each.path) for each in row.spec.inputs},
            media_roots=tuple(map(str, self._roots.roots)),
            cache=str(self.cache),
            cache_bytes=self._cache_bytes,
            journal=str(self._journals / f"{row.id}-{row.journal}"),
            recorded=row.recorded,
            known=tuple(msgspec.Raw(each.data) for each in self._ledger.events_of_this_attempt(row.id)),
        )

    def remove_journals(self, job: str) -> None:
        """The job has ended: what its workers reported is in the ledger, and a retry begins another journal."""
        for journal in self._journals.glob(f"{job}-*"):
            with contextlib.suppress(OSError):  # open still, on Windows: it is small
                journal.unlink()

    def _media_of(self, row: JobRow) -> str | None:
        """The folder of what came over the bridge for a job; a follow-up works on the pictures of the first take."""
        while isinstance(row.spec.start, TakeSource):
            start = row.spec.start
            parent = self._ledger.find(start.job) if start.job is not None else None
            if parent is None:
                return None
            row = parent
        uploads = row.spec.start.uploads
        if not uploads:
            return None
        return str(self._store.materialise(uploads, self._home / "media" / row.id / "clip", client=row.client))

    def _check_mask(self, spec: JobSpec, client: str) -> None:
        if spec.edit.mask is None:
            return
        # Only here: most jobs have no mask, and a service starts in half the time without numpy and Pillow.
        from backend.jobs.masks.mask_picture import read_mask

        path = self._store.path(spec.input_file(spec.edit.mask.input).sha256, client=client)
        assert path is not None, "it was looked for"
        if path.stat().st_size <= LARGEST_MASK:
            read_mask(path.read_bytes())
        else:
            raise BadUsage("The mask is too large.", remedy="Save it with fewer pixels.")

    def _admit_clip(self, spec: JobSpec, start: ClipSource) -> tuple[JobSpec, JobUpdate]:
        source = start.source if start.uploads else str(self._roots.check(start.source))
        folders = tuple(str(self._roots.check(folder)) for folder in start.media_folders)
        model = self.below_roots(spec.model or DEFAULT_MODEL)
        if spec.download:
            require_room(model)
        output = None if spec.output is None else str(self._roots.check_output(spec.output))
        start = msgspec.structs.replace(start, source=source, media_folders=folders)
        spec = msgspec.structs.replace(spec, start=start, model=model, output=output)
        return spec, JobUpdate(source=source, model=model, output=output or "")

    def below_roots(self, name: str) -> str:
        """The name of a model or segmenter; where it is a folder, its path, which must lie below a media root.

        Weights and their configurations are files that a library unpacks and follows: only from where the service's
        owner put them. Raises OutsideMediaRoots.
        """
        folder = named_folder(name) if name not in SHIPPED else None
        return name if folder is None else str(self._roots.check(folder))

    def _admit_follow_up(self, spec: JobSpec, start: TakeSource, client: str) -> tuple[JobSpec, JobUpdate]:
        parent = None
        if start.folder is not None:
            folder = self._roots.check(start.folder)
        else:
            assert start.job is not None and start.number is not None, "`validate` asks for them"
            parent = self._ledger.find(start.job)
            if parent is None or not self._access.may_see(parent, client):
                raise NoSuchJob(start.job)
            folder = Path(self._ledger.take(start.job, start.number).folder)
        take = read_take(folder)
        spec = msgspec.structs.replace(spec, start=msgspec.structs.replace(start, folder=str(folder)))
        facts = JobUpdate(
            source=parent.source if parent else str(folder),
            model=take.model,
            output=str(folder.parent.parent),
        )
        return spec, facts
