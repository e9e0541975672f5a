"""Transfers: progress, stopping, trying again. The test plays the part of the thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.files.errors import TransferCancelled
from contract.errors import Problem, Unreachable
from plugin.panel.background import Background
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.transfers.transfers import Transfer, TransferControl, TransfersModel
from plugin.panel.widgets.transfers import Transfers
from tests.plugin.panel.fake_service import FakeService

Until = Callable[[Callable[[], bool]], None]


class ByHand:
    """Runs nothing until the test ends the work."""

    def __init__(self) -> None:
        self.runs: list[tuple[Callable, Callable, Callable]] = []

    def run(self, work: Callable, done: Callable, failed: Callable) -> None:
        self.runs.append((work, done, failed))


@pytest.fixture
def by_hand() -> ByHand:
    return ByHand()


@pytest.fixture
def transfers(qapp: object, by_hand: ByHand) -> TransfersModel:
    return TransfersModel(by_hand)


def begin(
    transfers: TransfersModel, reported: list, key: str = "take:j:1", upload: bool = False
) -> list[TransferControl]:
    controls: list[TransferControl] = []

    def work(control: TransferControl) -> str:
        controls.append(control)
        return "came"

    transfer = Transfer(key, "take 1 of “add fire”", upload=upload, total=2_000_000)
    transfers.begin(transfer, work, reported.append, reported.append)
    return controls


def test_progress_is_shown(transfers: TransfersModel, by_hand: ByHand) -> None:
    reported: list[Any] = []
    controls = begin(transfers, reported)
    by_hand.runs[0][0]()
    controls[0].read(500_000)
    transfers._update()
    assert transfers.text_of(transfers.rows[0]) == "Reading take 1 of “add fire”: 500 kB of 2.0 MB"
    controls[0].moved(1_500_000)
    transfers._update()
    assert transfers.rows[0].share == 0.75 and "Downloading" in transfers.text_of(transfers.rows[0])
    by_hand.runs[0][1]("came")
    assert reported == ["came"] and transfers.rows == ()


def test_a_file_is_not_transferred_twice_at_once(transfers: TransfersModel, by_hand: ByHand) -> None:
    begin(transfers, [])
    begin(transfers, [])
    assert len(by_hand.runs) == 1 and len(transfers.rows) == 1


def test_a_stopped_transfer_does_not_restart_by_itself(transfers: TransfersModel, by_hand: ByHand) -> None:
    reported: list[Any] = []
    controls = begin(transfers, reported)
    by_hand.runs[0][0]()
    transfers.stop("take:j:1")
    assert controls[0].is_stopped()
    by_hand.runs[0][2](TransferCancelled("The transfer was stopped."))
    assert transfers.rows[0].state == "stopped" and transfers.is_held("take:j:1")
    transfers.again("take:j:1")
    assert transfers.rows[0].state == "running" and len(by_hand.runs) == 2
    by_hand.runs[1][0]()
    assert not controls[1].is_stopped()
    by_hand.runs[1][1]("came")
    assert reported[-1] == "came" and transfers.rows == ()


def test_a_failed_transfer_shows_why_and_can_be_tried_again(transfers: TransfersModel, by_hand: ByHand) -> None:
    reported: list[Any] = []
    begin(transfers, reported)
    by_hand.runs[0][2](Unreachable("The backend does not answer.", "", "Check the network."))
    row = transfers.rows[0]
    assert row.state == "failed" and not transfers.is_held(row.key)
    assert transfers.text_of(row) == (
        "take 1 of “add fire” could not be transferred. The backend does not answer. Check the network."
    )
    begin(transfers, reported)
    assert transfers.rows[0].state == "running"
    transfers.dismiss(row.key)
    by_hand.runs[1][1]("too late")
    assert transfers.rows == () and "too late" not in reported


def test_an_ended_upload_leaves_no_row(transfers: TransfersModel, by_hand: ByHand) -> None:
    reported: list[Problem] = []
    begin(transfers, reported, "shot:1", upload=True)
    by_hand.runs[0][2](Unreachable("The backend does not answer."))
    assert transfers.rows == () and reported[0].kind == "unreachable"


def test_rows_offer_the_fitting_button(transfers: TransfersModel, by_hand: ByHand) -> None:
    widget = Transfers(transfers)
    assert widget.isHidden()
    begin(transfers, [])
    row = widget.rows["take:j:1"]
    assert not widget.isHidden() and not row.stop.isHidden() and row.again.isHidden()
    row.stop.click()
    by_hand.runs[0][2](TransferCancelled("The transfer was stopped."))
    assert row.stop.isHidden() and row.again.text() == "Download" and not row.dismiss.isHidden()
    row.again.click()
    assert len(by_hand.runs) == 2
    for number in range(4):
        begin(transfers, [], f"take:j:{number + 2}")
    assert len(widget.rows) == 3 and widget.more.text() == "and 2 more"


def test_a_failure_in_a_thread_is_reported(qapp: object, until: Until) -> None:
    background, reported = Background(), []

    def work(control: TransferControl) -> None:
        control.moved(1)
        raise Unreachable("No answer.")

    transfers = TransfersModel(background)
    transfers.begin(Transfer("k", "x", upload=False, total=2), work, reported.append, reported.append)
    until(lambda: bool(reported))
    assert transfers.rows[0].state == "failed"
    background.wait()


def test_cancelling_a_plan_stops_the_upload_of_its_shot(
    panel: PanelModel, service: FakeService, cut: Path, until: Until, by_hand: ByHand
) -> None:
    panel.transfers._background = by_hand
    panel.begin(cut)
    until(lambda: panel.backend.ready)
    panel.backend._endpoint = panel.backend.endpoint.__class__("tcp://render01:1", "key", False)
    panel.ask.instruction = "add fire"
    panel.make_plan()
    assert panel.plan.state == "waiting" and [row.name for row in panel.transfers.rows] == ["street"]
    panel.drop_plan()
    assert panel.plan.state == "none" and panel.transfers.rows == ()
    panel.make_plan()
    panel.transfers.stop(panel.plan.sending)
    by_hand.runs[1][2](TransferCancelled("The transfer was stopped."))
    assert panel.plan.state == "none" and "not sent" in panel.message and panel.problem is None
