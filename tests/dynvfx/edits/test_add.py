"""Adding an object: it must appear, it is not taken for its like, and what stays absent is reported."""

from __future__ import annotations

import msgspec
import pytest
import torch

from dynvfx.errors import ObjectAbsent
from dynvfx.progress.events import Notice, Preview, Progress
from tests.dynvfx.doubles import PLAN, ScriptedSegmenter, SmallBackbone, box, request
from tests.dynvfx.takes import SOURCE, finds, notices, run


def test_full_frame_content_may_cover_everything():
    plan = msgspec.structs.replace(PLAN, scope="full_frame", source_objects=(), target_object="snow")
    everywhere = ScriptedSegmenter(lambda frames, phrase, call: torch.ones(frames.shape[:3]))
    events = run(request(SOURCE, plan=plan, keep_foreground=0.1), segmenter=everywhere)
    assert events[-1].mask.min() == 1.0
    assert "look_alike" not in notices(events)
    assert (events[-1].latents != SmallBackbone().encode(SOURCE)).all(dim=1).float().mean() > 0.99


def test_absent_source_objects_are_reported_and_no_error():
    plan = msgspec.structs.replace(PLAN, source_objects=("diver", "submarine"))

    def answer(frames, phrase, call):
        return box(frames, 0, 0, 0, 0) if phrase == "submarine" or not call else box(frames, 12, 0, 24, 12)

    events = run(request(SOURCE, plan=plan), segmenter=ScriptedSegmenter(answer))
    texts = [e.text for e in events if isinstance(e, Notice) and e.kind == "source_object_absent"]
    assert ["diver" in texts[0], "submarine" in texts[1], len(texts)] == [True, True, 2]
    assert events[-1].source_mask.max() == 0.0


def test_look_alikes_of_the_source_stay_out_of_the_edit():
    def answer(frames, phrase, call):
        if phrase == "diver":
            return box(frames, 0, 4, 8, 16)
        old = box(frames, 0, 0, 8, 16)
        return old if not call else old.maximum(box(frames, 16, 0, 24, 16))

    events = run(request(SOURCE), segmenter=ScriptedSegmenter(answer))
    assert "look_alike" in notices(events)
    assert torch.equal(events[-1].mask, box(SOURCE, 16, 0, 24, 16))
    original = SmallBackbone().encode(SOURCE)
    assert torch.equal(events[-1].latents[..., :4], original[..., :4])
    assert not torch.equal(events[-1].latents[..., 4:], original[..., 4:])


def test_the_region_limits_the_edit():
    everywhere = ScriptedSegmenter(lambda frames, phrase, call: torch.full(frames.shape[:3], float(call > 0)))
    outcome = run(request(SOURCE, region=(0.5, 0.0, 1.0, 0.5)), segmenter=everywhere)[-1]
    assert torch.equal(outcome.mask, box(SOURCE, 12, 0, 24, 8))
    original = SmallBackbone().encode(SOURCE)
    changed = (outcome.latents != original).any(dim=1)
    assert changed[:, :2, 3:].all()
    assert not changed[:, 2:].any()
    assert not changed[:, :, :3].any()


def test_an_empty_mask_is_tried_again_with_other_noise_and_then_from_higher():
    backbone = SmallBackbone()
    box_found = (12, 0, 24, 12)
    events = run(request(SOURCE, levels=(699, 499), retries=2), backbone, finds(None, None, box_found))
    assert notices(events).count("retry") == 2
    assert events[-1].attempts == 3
    starts = [e.steps for e in events if isinstance(e, Progress) and e.stage == "refining" and e.step == 1]
    assert starts == [7, 7, 9, 5]
    texts = [e.text for e in events if isinstance(e, Notice) and e.kind == "retry"]
    assert "attempt 2 of 3" in texts[0]
    assert "899 instead of 699" in texts[1]


def test_retries_differ_from_the_first_attempt():
    found = (12, 0, 24, 12)
    first = run(request(SOURCE), segmenter=finds(found))[-1]
    second = run(request(SOURCE, retries=1), segmenter=finds(None, found))[-1]
    assert not torch.equal(first.latents, second.latents)


def test_a_raised_level_stays_below_pure_noise():
    events = run(request(SOURCE, retries=4), segmenter=finds(None, None, None, None, (12, 0, 24, 12)))
    starts = [e.steps for e in events if isinstance(e, Progress) and e.stage == "refining" and e.step == 1]
    assert starts == [9, 9, 9, 9, 9, 5]


@pytest.mark.parametrize("retries", [0, 2])
def test_an_object_that_never_appears_is_an_error_that_says_what_to_try(retries):
    backbone = SmallBackbone()
    with pytest.raises(ObjectAbsent) as caught:
        run(request(SOURCE, retries=retries), backbone, finds(None))
    assert caught.value.kind == "object_absent"
    assert "whale" in caught.value.what
    assert "seed" in caught.value.remedy
    assert len([t for t, row in backbone.calls if t == 99]) == 2 * (retries + 1)


def test_an_object_lost_later_keeps_the_iteration_before():
    found = (12, 0, 24, 12)
    kept = run(request(SOURCE), segmenter=finds(found, None))
    assert "object_lost" in notices(kept)
    assert [e.kind for e in kept if isinstance(e, Preview)] == ["source_mask", "mask", "composite", "mask"]
    only = run(request(SOURCE, levels=(899,)), segmenter=finds(found))
    assert torch.equal(kept[-1].latents, only[-1].latents)
    assert torch.equal(kept[-1].mask, only[-1].mask)
