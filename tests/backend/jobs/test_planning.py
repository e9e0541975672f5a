from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.jobs.planning import check_vocabulary, default_assistant, key_frames_of
from contract.plan import Plan
from dynvfx.backbones.cogvideox.family import COGVIDEOX
from dynvfx.errors import OutsideVocabulary
from dynvfx.vocabulary import Content
from tests.dynvfx.doubles import SmallBackbone


class Knowing(SmallBackbone):
    family = replace(COGVIDEOX, vocabulary=(Content("fire", ("flames",)), Content("snow")))


def plan(target: str, caption: str) -> Plan:
    return Plan(instruction="x", source_caption="a street", composite_caption=caption, target_object=target)


def test_a_small_model_draws_what_it_knows():
    check_vocabulary(plan("flames", "a street with fire"), Knowing())
    check_vocabulary(plan("a whale", "a whale in the street"), SmallBackbone())


@pytest.mark.parametrize(
    ("target", "caption"), [("a whale", "fire"), ("fire", "a whale in the street"), ("red ball", "a red ball")]
)
def test_and_nothing_else(target: str, caption: str):
    with pytest.raises(OutsideVocabulary) as caught:
        check_vocabulary(plan(target, caption), Knowing())
    assert "fire, snow" in caught.value.why


def test_frames_leave_the_machine_only_when_this_program_was_set_up_for_it():
    assert default_assistant({}) == "offline"
    assert default_assistant({"OPENAI_API_KEY": "of another program"}) == "offline"
    assert default_assistant({"DYNVFX_ASSISTANT_URL": "http://127.0.0.1:1/v1"}) == "openai"
    assert default_assistant({"DYNVFX_ASSISTANT_KEY": " "}) == "offline"


@pytest.mark.parametrize(("count", "chosen"), [(1, [0]), (2, [0, 1]), (9, [0, 4, 8]), (49, [0, 24, 48])])
def test_key_frames(count: int, chosen: list[int]):
    frames = np.arange(count, dtype=np.uint8)[:, None, None, None].repeat(3, axis=3)
    assert [int(frame[0, 0, 0]) for frame in key_frames_of(frames)] == chosen
