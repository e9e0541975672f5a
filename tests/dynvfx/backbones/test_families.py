"""The registry: every family answers what is asked of it before a model is loaded, and only it names the families."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import pytest

from contract.job import QUALITIES
from dynvfx.backbones.base import Backbone
from dynvfx.backbones.families import DEFAULT_MODEL, FAMILIES, SHIPPED, family_named, family_of_folder
from dynvfx.backbones.family import Family
from dynvfx.errors import ModelUnavailable
from dynvfx.segmentation.base import Segmenter
from dynvfx.segmentation.registry import SEGMENTERS

ROOT = Path(__file__).resolve().parents[3]
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@each_family
def test_every_family_answers_before_a_model_is_loaded(family: Family):
    assert set(family.presets) == set(QUALITIES)
    assert family.segmenter in SEGMENTERS
    for known in family.models:
        assert family_named(known.name) is family
        assert known.title and known.licence and known.about
        assert family.rules(known.name, family.shipped).choose(640, 360, 24, 24).frames > 1
        assert known.bytes or family.shipped


@each_family
def test_the_classes_of_a_family_can_be_found(family: Family):
    assert issubclass(resolve_name(family.backbone), Backbone)
    assert resolve_name(family.backbone).family is family
    if family.own_segmenter:
        assert issubclass(resolve_name(family.own_segmenter), Segmenter)


def test_a_name_or_a_folder_says_the_family(tmp_path: Path):
    assert family_named(DEFAULT_MODEL) is FAMILIES[0] and DEFAULT_MODEL in SHIPPED
    assert family_named("THUDM/CogVideoX1.5-5B").name == "cogvideox"
    assert family_named("someone/something") is None
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "CogVideoXPipeline"}))
    assert family_of_folder(tmp_path).name == "cogvideox"
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "OtherPipeline"}))
    with pytest.raises(ModelUnavailable, match="OtherPipeline") as caught:
        family_of_folder(tmp_path)
    assert "CogVideoXPipeline" in caught.value.why and caught.value.remedy


def test_a_model_that_is_not_here_and_whose_name_does_not_say_its_window():
    assert family_named("zai-org/CogVideoX1.5-5B").rules("zai-org/CogVideoX1.5-5B", None) is None


def test_the_registry_needs_no_torch():
    modules = "dynvfx.backbones.families, dynvfx.segmentation.registry"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules or 'huggingface_hub' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_shipped_model_is_named_in_its_own_folder_only():
    """Everything else asks the registry, so that another model can be the default by a change of one line."""
    name = re.compile(rf"[\"']{re.escape(DEFAULT_MODEL)}[\"']")
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    own = ("dynvfx/backbones/tiny/", "tests/", "benchmarks/")
    product = [path for path in listed.split() if not path.startswith(own) and (ROOT / path).is_file()]
    assert [path for path in product if name.search((ROOT / path).read_text("utf-8"))] == []
