"""Where an edit may be: against plain float64 loops over pixels and cells, and through whole takes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from contract.errors import BadRequest
from dynvfx.edits.add import generate
from dynvfx.errors import ObjectAbsent
from dynvfx.masks.edit_limits import EditLimits
from dynvfx.progress.events import Notice
from dynvfx.request import MaskIdentity, Request
from tests.dynvfx.doubles import PLAN, SHAPE, CountingBackbone, ScriptedSegmenter, SmallBackbone, box, clip, request
from tests.dynvfx.memory_store import MemoryStore

SOURCE = clip()
EVERYWHERE = ScriptedSegmenter(lambda frames, phrase, call: torch.full(frames.shape[:3], float(call > 0)))
UNALIGNED = (0.3, 0.1, 0.8, 0.7)
"""Cuts through cells on all four sides."""
NAMED = MaskIdentity(0, "a" * 64)


def run(wanted, segmenter=None, backbone=None, **options):
    def everywhere(frames, phrase, call):
        return torch.full(frames.shape[:3], float(call > 0))

    segmenter = segmenter or ScriptedSegmenter(everywhere)
    return list(generate(wanted, SOURCE, backbone or SmallBackbone(), segmenter, MemoryStore(), **options))


def cell_shares(pixels) -> torch.Tensor:
    """Share of each cell of 4 x 4 pixels that is marked, frame 0 alone and then four frames together, in float64."""
    frames, height, width = pixels.shape
    shares = torch.zeros((frames - 1) // 4 + 1, height // 4, width // 4, dtype=torch.float64)
    for cell in range(shares.shape[0]):
        members = [0] if cell == 0 else range(4 * cell - 3, 4 * cell + 1)
        for row in range(shares.shape[1]):
            for column in range(shares.shape[2]):
                marked = [
                    float(pixels[f, 4 * row + i, 4 * column + j]) for f in members for i in range(4) for j in range(4)
                ]
                shares[cell, row, column] = sum(marked) / len(marked)
    return shares


def box_pixels(region) -> torch.Tensor:
    """Pixels whose middle lies in a box, by the definition."""
    frames, height, width = SHAPE
    left, top, right, bottom = region
    pixels = torch.zeros(SHAPE, dtype=torch.bool)
    for y in range(height):
        for x in range(width):
            pixels[:, y, x] = left <= (x + 0.5) / width <= right and top <= (y + 0.5) / height <= bottom
    return pixels


@pytest.mark.parametrize("region", [None, UNALIGNED])
@pytest.mark.parametrize("is_painted", [False, True])
@pytest.mark.parametrize("has_parent", [False, True])
def test_the_residual_equals_the_formula_in_float64(region, is_painted, has_parent):
    random = torch.Generator().manual_seed(3)
    source, sampled, parent = (torch.randn(3, 4, 4, 6, generator=random) for _ in range(3))
    parent_cells = (torch.rand(3, 4, 6, generator=random) < 0.4) & has_parent
    parent = torch.where(parent_cells[:, None], parent, source)
    painted = torch.rand(SHAPE, generator=random) < 0.4 if is_painted else None
    wanted = request(SOURCE, region=region, coverage=0.25)
    limits = EditLimits(wanted, SHAPE, SmallBackbone(), painted)
    allowed = box_pixels(region or (0, 0, 1, 1))
    found = (torch.rand(SHAPE, generator=random) < 0.3) & allowed
    found_cells = cell_shares(found) > 0.25
    edit = limits.compose(source, sampled, found, found_cells, parent if has_parent else None, parent_cells)

    expected = source.double().clone()
    inside_cells, painted_cells = cell_shares(allowed) > 0.25, None
    if is_painted:
        painted_cells = cell_shares(allowed & painted) > 0.25
    for f, y, x in torch.cartesian_prod(torch.arange(3), torch.arange(4), torch.arange(6)).tolist():
        if not inside_cells[f, y, x]:
            expected[f, :, y, x] = parent[f, :, y, x].double()
            continue
        m = painted_cells[f, y, x] if is_painted else found_cells[f, y, x] or parent_cells[f, y, x]
        expected[f, :, y, x] += float(m) * (sampled[f, :, y, x].double() - source[f, :, y, x].double())
    assert (edit.latents.double() - expected).abs().max() < 1e-6
    untouched = ~inside_cells[:, None].expand_as(source)
    assert torch.equal(edit.latents[untouched], parent[untouched])
    assert torch.equal((edit.latents != source).any(dim=1), edit.cells)
    if is_painted and not has_parent:
        assert torch.equal(edit.mask, allowed & painted)


def test_without_limits_nothing_is_limited():
    limits = EditLimits(request(SOURCE, coverage=1.0), SHAPE, SmallBackbone(), None)
    assert limits.pixels.all() and limits.cells.all() and limits.box is None


def test_the_box_around_what_may_change():
    limits = EditLimits(request(SOURCE, region=(0.5, 0.0, 1.0, 0.5)), SHAPE, SmallBackbone(), None)
    assert limits.box == (0.5, 0.0, 1.0, 0.5)
    painted = box(SOURCE, 4, 8, 12, 12).bool()
    both = EditLimits(request(SOURCE, region=(0.25, 0.0, 1.0, 1.0)), SHAPE, SmallBackbone(), painted)
    assert both.box == (0.25, 0.5, 0.5, 0.75)


def test_cells_outside_the_box_stay_the_source_through_a_whole_take():
    outcome = run(request(SOURCE, region=UNALIGNED))[-1]
    original = SmallBackbone().encode(SOURCE)
    allowed = cell_shares(box_pixels(UNALIGNED)) > 0.25
    changed = (outcome.latents != original).any(dim=1)
    assert torch.equal(changed, allowed)
    assert torch.equal(outcome.mask.bool(), box_pixels(UNALIGNED))


def test_a_follow_up_in_a_box_leaves_its_parent_alone_elsewhere():
    first = run(request(SOURCE))[-1]
    wanted = request(SOURCE, seed=8, parent="a-take", region=(0.5, 0.0, 1.0, 1.0))
    second = run(wanted, parent=first.latents)[-1]
    assert torch.equal(second.latents[..., :3], first.latents[..., :3])
    assert (second.latents != first.latents)[..., 3:].any(dim=1).all()
    assert second.mask.min() == 1.0


def test_a_painted_mask_is_the_edit_mask():
    painted = box(SOURCE, 4, 4, 12, 12).bool()
    painted[5:] = box(SOURCE, 8, 4, 16, 12).bool()[5:]
    first = run(request(SOURCE))[-1]
    second = run(request(SOURCE, parent="a-take", mask=NAMED), parent=first.latents, painted=painted)[-1]
    original = SmallBackbone().encode(SOURCE)
    assert torch.equal((second.latents != original).any(dim=1), cell_shares(painted) > 0.25)
    assert torch.equal(second.mask.bool(), painted)


def test_an_object_beside_the_painted_mask_did_not_appear():
    left = ScriptedSegmenter(lambda frames, phrase, call: box(frames, 0, 0, 8, 16) * float(call > 0))
    painted = box(SOURCE, 16, 0, 24, 16).bool()
    with pytest.raises(ObjectAbsent, match="where the edit may be"):
        run(request(SOURCE, mask=NAMED, retries=0), left, CountingBackbone(), painted=painted)


@pytest.mark.parametrize(("region", "noticed"), [((0.5, 0.0, 1.0, 1.0), False), ((0.0, 0.0, 0.5, 1.0), True)])
def test_look_alikes_elsewhere_do_not_matter(region, noticed):
    def answer(frames, phrase, call):
        old = box(frames, 0, 0, 8, 16)
        return old if not call else old.maximum(box(frames, 4, 0, 24, 16))

    events = run(request(SOURCE, region=region), ScriptedSegmenter(answer), CountingBackbone())
    assert ("look_alike" in [event.kind for event in events if isinstance(event, Notice)]) is noticed


def test_what_was_painted_over_a_look_alike_counts():
    there = ScriptedSegmenter(lambda frames, phrase, call: box(frames, 0, 0, 12, 16))
    painted = box(SOURCE, 0, 0, 12, 16).bool()
    assert run(request(SOURCE, mask=NAMED), there, CountingBackbone(), painted=painted)[-1].mask.any()


@pytest.mark.parametrize("region", [(0.5, 0.5, 0.52, 0.52), (0.2, 0.0, 0.21, 1.0)])
def test_a_box_that_holds_no_cell_is_refused_before_any_work(region):
    backbone = CountingBackbone()
    with pytest.raises(BadRequest, match="too small"):
        run(request(SOURCE, region=region), backbone=backbone)
    assert not backbone.calls and not backbone.encodes


def test_masks_that_do_not_fit_are_refused():
    nothing = torch.zeros(SHAPE, dtype=torch.bool)
    for wanted, painted, words in (
        (request(SOURCE, mask=NAMED), None, "its name"),
        (request(SOURCE), ~nothing, "its name"),
        (request(SOURCE, mask=NAMED), nothing, "too small"),
        (request(SOURCE, mask=NAMED), ~nothing[:5], "The painted mask is"),
        (request(SOURCE, mask=NAMED), torch.ones(SHAPE), "The painted mask is"),
        (request(SOURCE, mask=NAMED, region=(0.0, 0.0, 0.4, 1.0)), box(SOURCE, 16, 0, 24, 16).bool(), "in the box"),
    ):
        with pytest.raises(BadRequest, match=words):
            run(wanted, painted=painted)


def test_another_mask_of_the_same_name_shares_no_iterations():
    store, backbone = MemoryStore(), CountingBackbone()
    for left in (0, 8):
        painted = box(SOURCE, left, 0, left + 12, 16).bool()
        segmenter = ScriptedSegmenter(lambda frames, phrase, call: torch.full(frames.shape[:3], float(call > 0)))
        events = list(generate(request(SOURCE, mask=NAMED), SOURCE, backbone, segmenter, store, painted=painted))
        assert torch.equal(events[-1].mask.bool(), painted)
        assert events[-1].forwards["refining"] > 0


def test_requests_with_and_without_a_painted_mask_differ():
    plain = request(SOURCE)
    assert Request.from_dict(plain.to_dict()) == plain
    masked = replace(plain, mask=NAMED, region=(0.0, 0.0, 0.5, 1.0))
    assert Request.from_dict(masked.to_dict()) == masked
    digests = {
        each.digest()
        for each in (plain, masked, replace(masked, mask=MaskIdentity(1, "a" * 64)), replace(masked, mask=None))
    }
    assert len(digests) == 4


def test_a_model_that_takes_places_gets_the_region():
    class Placing(CountingBackbone):
        def caption_for_region(self, caption, box):
            return caption if box is None else f"{caption} at {box}"

    backbone = Placing()
    run(request(SOURCE, region=(0.5, 0.0, 1.0, 0.5)), backbone=backbone)
    assert f"{PLAN.composite_caption} at (0.5, 0.0, 1.0, 0.5)" in backbone.encoded_texts
    plain = Placing()
    run(request(SOURCE), backbone=plain)
    assert PLAN.composite_caption in plain.encoded_texts


@pytest.mark.parametrize("region", [None, UNALIGNED])
def test_content_follows_the_camera_unless_it_has_a_box_to_stay_in(region):
    asked = []

    class Follower(SmallBackbone):
        def track_camera(self, text, source):
            asked.append(source)
            return text + 1

    still, followed = (run(request(SOURCE, region=region), backbone=backbone)[-1] for backbone in (None, Follower()))
    assert len(asked) == (region is None)
    assert torch.equal(still.latents, followed.latents) == (region is not None)
