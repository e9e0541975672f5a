"""One device's process: carries out the jobs that its supervisor sends, one after another.

    python -m backend.worker.main

The supervisor starts it with an environment from `backend.worker.link.SupervisorChannel`. It reports events, keeps
models open for the next job, ends a job between two steps when asked to, and ends within a moment of its supervisor.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from types import TracebackType
from typing import TYPE_CHECKING

from backend.worker.channel import WorkerChannel
from backend.worker.messages import DEVICE, QUIT, START_AGAIN, RunEnded
from bridge.wire.messages import Failure
from contract.errors import Unexpected

if TYPE_CHECKING:
    from backend.worker.open_models import OpenBackbone, OpenSegmenter

log = logging.getLogger(__name__)


def main(*, open_backbone: OpenBackbone | None = None, open_segmenter: OpenSegmenter | None = None) -> int:
    """Work until the shutdown; returns the exit code.

    The openers are called like those in `dynvfx.backbones.loading` and `dynvfx.segmentation.loading`, which they
    replace: (name, device, download=...) and (name, device), the device left out where none was chosen.
    """
    # Ctrl-C in a terminal goes to every process of the group; the supervisor says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    form = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, stream=sys.stderr)
    with WorkerChannel() as channel, _Reported(channel):
        # Importing torch takes seconds, in which the heartbeat goes out already.
        from backend.worker.worker_jobs import WorkerJobs
        from dynvfx.backbones import loading
        from dynvfx.segmentation import loading as segmentation

        jobs = WorkerJobs(
            channel,
            open_backbone or loading.open_backbone,
            open_segmenter or segmentation.open_segmenter,
            os.environ.get(DEVICE),
        )
        channel.send(jobs.ready())
        channel.state = "idle"
        while not channel.is_quitting:
            run = channel.next_run()
            if run is None:
                break
            channel.job, channel.state = run.job, "busy"
            ended = jobs.carry_out(run)
            channel.job, channel.state = None, "idle"
            channel.send(ended)
            if ended.leaving:
                return START_AGAIN
    return QUIT


class _Reported:
    """An unexpected error ends the job and the process, which may be in any state; the log has the details."""

    def __init__(self, channel: WorkerChannel) -> None:
        self._channel = channel

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or error is None or self._channel.job is None:
            return
        where = traceback.extract_tb(trace)[-1]
        log.critical("unexpected", exc_info=(kind, error, trace))
        problem = Unexpected(
            f"Something unexpected happened ({kind.__name__}: {error}).",
            f"This is a mistake in the program ({os.path.basename(where.filename)}, line {where.lineno}), "
            "not in what you did.",
            "Retry the job: it continues from the last finished step. If it stops here again, report it.",
        )
        failure = Failure.of(problem, offers=("again",))
        self._channel.send(RunEnded(job=self._channel.job, outcome="failed", failure=failure, leaving=True))


if __name__ == "__main__":
    sys.exit(main())
