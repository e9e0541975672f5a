from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from backend.jobs.order_identity import NAMES, asked_of, output_of
from backend.jobs.orders import AddOrder
from dynvfx.segmentation.loading import SEGMENTERS


def test_every_name_of_a_model_is_known():
    assert set(NAMES) == {"tiny", *SEGMENTERS}


def test_the_same_order_has_the_same_folder(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    order = AddOrder(instruction="add  a red\tballoon", source="shot.0001.mov")
    folder = output_of(order)
    assert folder.parent == tmp_path and folder.name.startswith("dynvfx-shot-")
    assert output_of(AddOrder(instruction="add a red balloon", source=str(tmp_path / "shot.0001.mov"))) == folder
    assert output_of(AddOrder(instruction="add a red balloon", source="shot.0001.mov", takes=4)) == folder
    assert output_of(AddOrder(instruction="add a red balloon", source="shot.0001.mov", seed=4)) != folder
    assert output_of(AddOrder(instruction="add a red balloon", source="shot.0001.mov", output=Path("o"))) == Path("o")


def test_a_box_or_fewer_iterations_make_another_order():
    plain = {"kind": "x", **asked_of(AddOrder(instruction="add fire", source="a.mov"))}
    assert "region" not in plain and "levels" not in plain
    boxed = asked_of(AddOrder(instruction="add fire", source="a.mov", region=(0, 0, 0.5, 1), levels=(439,)))
    assert (boxed["region"], boxed["levels"]) == ([0, 0, 0.5, 1], [439])


def test_needs_no_torch():
    modules = "backend.jobs.order_identity, backend.jobs.orders"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
