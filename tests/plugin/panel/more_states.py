"""States of the panel with a remote backend or a model that is not installed, for the pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.wire.messages import Failure
from contract.errors import Unreachable
from plugin.panel.models.backend.backend import Endpoint
from plugin.panel.models.transfers.transfers import Transfer

if TYPE_CHECKING:
    from tests.plugin.panel.screenshots import Stage

NARROW = (380, 940)


def travelling(stage: Stage) -> None:
    """An upload of a shot and downloads of takes: running, stopped, failed."""
    stage.open()
    stage.takes(2)
    stage.model.plan.clear()
    stage.model.backend._endpoint = Endpoint("tcp://render01:5757", "key", False)
    rows = (
        Transfer("shot:1", "garden path", upload=True, done=412_000_000, total=1_640_000_000),
        Transfer("take:a:1", "take 1 of “add snow”", upload=False, state="stopped", total=93_000_000),
    )
    problem = Unreachable("The backend does not answer.", "", "Check that it runs, and the network.")
    failed = replace(rows[1], key="take:a:2", name="take 2 of “add snow”", state="failed", problem=problem)
    stage.model.transfers.rows = (*rows, failed, replace(failed, key="take:a:3"))
    stage.shoot("20-travelling", NARROW, ms=2500)


def model_not_there(stage: Stage) -> None:
    """A model to download: offered, downloading, and failed."""
    stage.open()
    stage.model.ask.instruction = "add a massive whale behind the divers"
    stage.model.ask.model = "zai-org/CogVideoX-5b"
    stage.shoot("21-model-not-there", NARROW)
    stage.model.ask.download = True
    stage.model.make_plan()
    stage.settle(until=lambda: bool(stage.model.plan.job))
    job = stage.model.plan.job
    stage.service.change(job, state="preparing", position=None)
    stage.shoot("22-fetching-a-model", NARROW)
    failure = Failure(
        kind="model_unavailable",
        what="zai-org/CogVideoX-5b could not be fetched.",
        why="The hub could not be reached.",
        remedy="Check the network, then try again: what is here is kept.",
        exit_code=1,
        offers=("again",),
    )
    stage.service.fail(job, failure)
    stage.settle(until=lambda: stage.model.plan.state == "failed")
    stage.shoot("23-fetching-broke-off", NARROW)
