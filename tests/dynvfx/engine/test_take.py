"""The engine on a small random model: against plain float64 loops, by exact counts, and in every odd case."""

from __future__ import annotations

import math

import msgspec
import pytest
import torch

from contract.errors import BadRequest
from dynvfx.errors import OutOfMemory
from dynvfx.progress.events import Outcome, Preview, Progress
from dynvfx.sampling.rng import generator, normal
from tests.dynvfx.backbones.cogvideox.test_anchor_processor import plain_attention
from tests.dynvfx.doubles import (
    PLAN,
    CountingBackbone,
    ScriptedSegmenter,
    SmallBackbone,
    box,
    clip,
    request,
)
from tests.dynvfx.memory_store import MemoryStore
from tests.dynvfx.takes import SOURCE, finds, notices, run

PAPER = {"levels": (899, 779, 679, 579, 479, 379), "steps": 50, "anchors_until": 619, "inversion_steps": 29}


class PlainProcessor:
    """The anchor attention of METHOD 1.5 in loops; `bank` None runs without anchors."""

    def __init__(self, block, bank=None, chosen=None):
        self.block, self.bank, self.chosen = block, bank, chosen

    def __call__(self, attn, hidden_states, encoder_hidden_states, attention_mask=None, image_rotary_emb=None):
        extra = (None, None)
        if self.chosen is not None:
            keys, values = self.bank[self.block]
            extra = [k[self.chosen] for k in keys], [v[self.chosen] for v in values]
        video, text, *own = plain_attention(attn, hidden_states, encoder_hidden_states, *extra, image_rotary_emb)
        if self.bank is not None and self.chosen is None:
            self.bank[self.block] = own
        return video, text


def reference_latents(wanted, backbone, trajectory, source_mask, edit_mask):
    """x_comp by the formulas, in float64, with masks given as cells."""
    transformer, schedule = backbone.transformer.double(), backbone.schedule
    texts = [text.double() for text in backbone.encode_text([PLAN.source_caption, PLAN.composite_caption, ""])]
    original = backbone.encode(SOURCE).double()
    tokens = torch.zeros(3, 2, 3, dtype=torch.bool)
    for f, y, x in source_mask.nonzero().tolist():
        tokens[f, y // 2, x // 2] = True

    def forward(x, t, text, processors):
        transformer.set_attn_processor(
            {name: processors[i] for i, name in enumerate(list(transformer.attn_processors))}
        )
        with torch.no_grad():
            result = transformer(x[None], text[None], torch.tensor([t]), image_rotary_emb=backbone.rotary(3, 4, 6))
        return result.sample[0]

    def anchors(iteration, t, block):
        random = generator("anchors", wanted.seed, iteration, 0, t, block)
        inside, outside = random.random((2, 3)), random.random((2, 3))
        keep = [
            (f * 2 + i) * 3 + j
            for f in range(3)
            for i in range(2)
            for j in range(3)
            if (inside[i, j] < wanted.keep_foreground if tokens[f, i, j] else outside[i, j] < wanted.keep_background)
        ]
        return torch.tensor(keep, dtype=torch.int64)

    composite = original
    for iteration, level in enumerate(wanted.levels):
        alpha, sigma = schedule.alpha_sigma(level)
        noise = normal(original.shape, "noise", wanted.seed, iteration, 0).double()
        x = alpha * composite + sigma * noise
        grid = [t for t in range(999, -1, -100) if t <= level]
        for t, following in zip(grid, [*grid[1:], -1], strict=True):
            bank = {}
            extended = [PlainProcessor(block) for block in range(2)]
            if t >= wanted.anchors_until:
                forward(trajectory[t].double(), t, texts[0], [PlainProcessor(block, bank) for block in range(2)])
                extended = [PlainProcessor(block, bank, anchors(iteration, t, block)) for block in range(2)]
            cond = forward(x, t, texts[1], extended)
            uncond = forward(x, t, texts[2], [PlainProcessor(block) for block in range(2)])
            v = uncond + wanted.guidance * (cond - uncond)
            (a, s), (b, r) = schedule.alpha_sigma(t), schedule.alpha_sigma(following)
            clean = a * x - s * v
            x = r / s * x + (b - a * r / s) * clean
        residual = edit_mask[:, None].double() * (x - original)
        composite = original + residual
    return composite


def test_a_take_equals_the_formulas_in_float64():
    wanted = request(SOURCE, keep_background=0.4, guidance=3.0)
    backbone, store = SmallBackbone(), MemoryStore()
    outcome = run(wanted, backbone, store=store)[-1]
    trajectory = {
        int(key.rpartition(".")[2]): state["latents"] for key, state in store._states.items() if "trajectory" in key
    }
    assert sorted(trajectory) == [699, 799, 899]
    source_mask, edit_mask = torch.zeros(3, 4, 6, dtype=torch.bool), torch.zeros(3, 4, 6, dtype=torch.bool)
    source_mask[:, 1:4, 0:2] = True
    edit_mask[:, 0:3, 3:6] = True
    expected = reference_latents(wanted, SmallBackbone(), trajectory, source_mask, edit_mask)
    assert (outcome.latents - expected).norm() <= 2e-4 * expected.norm()
    assert torch.equal(
        outcome.latents[~edit_mask.unsqueeze(1).expand(-1, 4, -1, -1)],
        SmallBackbone().encode(SOURCE)[~edit_mask.unsqueeze(1).expand(-1, 4, -1, -1)],
    )


def test_the_paper_s_schedule_is_190_composite_steps_28_of_them_anchored():
    backbone = CountingBackbone()
    outcome = run(request(SOURCE, **PAPER), backbone)[-1]
    assert outcome.forwards == {"inverting": 29, "refining": 408}
    rows = [row for _, row in backbone.calls]
    assert (rows.count("record"), rows.count("extend")) == (28, 28)
    assert rows.count("plain") - 29 == (190 - 28) + 190
    assert min(t for t, row in backbone.calls if row != "plain") == 619


def test_the_reference_schedule_is_406_forwards_instead_of_567():
    backbone = CountingBackbone()
    wanted = request(SOURCE, **{**PAPER, "levels": (899, 779, 679, 559, 479, 379)}, inversion="reference")
    outcome = run(wanted, backbone)[-1]
    assert outcome.forwards == {"inverting": 224, "refining": 406}
    composite_steps = (406 - 28) // 2
    assert 3 * composite_steps == 567


def test_a_take_that_differs_in_later_levels_starts_from_the_shared_iterations():
    store = MemoryStore()
    run(request(SOURCE, **{**PAPER, "levels": (899, 779, 679, 599, 479, 379)}), CountingBackbone(), store=store)
    backbone = CountingBackbone()
    later = request(SOURCE, **{**PAPER, "levels": (899, 779, 679, 559, 479, 379)})
    events = run(later, backbone, store=store)
    assert events[-1].forwards == {"refining": 142}
    assert "resumed" in notices(events)
    fresh = run(later, CountingBackbone())[-1]
    assert torch.equal(events[-1].latents, fresh.latents)
    assert torch.equal(events[-1].frames, fresh.frames)


def test_other_edits_of_the_clip_reuse_trajectory_latents_and_texts():
    store, backbone = MemoryStore(), SmallBackbone()
    first = run(request(SOURCE), backbone, store=store)[-1]
    assert first.forwards["inverting"] == 6
    other_plan = msgspec.structs.replace(PLAN, composite_caption="a diver and a shark", target_object="shark")
    second = run(request(SOURCE, seed=99, plan=other_plan), backbone, store=store)
    assert "inverting" not in second[-1].forwards
    assert "reused" in notices(second)
    assert backbone.encodes == 1
    assert sorted(backbone.encoded_texts) == sorted(
        ["", PLAN.source_caption, PLAN.composite_caption, "a diver and a shark"]
    )
    alone = run(request(SOURCE, seed=99, plan=other_plan))[-1]
    assert torch.equal(second[-1].latents, alone.latents)


def test_another_clip_or_other_weights_share_nothing():
    store = MemoryStore()
    run(request(SOURCE), store=store)
    other = clip(1)
    assert run(request(other), store=store, source=other)[-1].forwards["inverting"] == 6
    retrained = SmallBackbone(seed=5)
    retrained.name = SmallBackbone().name
    assert run(request(SOURCE), retrained, store=store)[-1].forwards["inverting"] == 6


def test_mode_none_is_the_model_alone():
    backbone = SmallBackbone()
    outcome = run(request(SOURCE, anchor_mode="none"), backbone)[-1]
    assert {row for _, row in backbone.calls} == {"plain"}
    assert outcome.forwards == {"refining": 2 * 9 + 2 * 5}
    never = run(request(SOURCE, anchors_until=950))[-1]
    assert torch.equal(outcome.latents, never.latents)
    anchored = run(request(SOURCE, keep_background=1.0))[-1]
    assert not torch.equal(outcome.latents, anchored.latents)


def test_a_guidance_of_one_needs_no_unconditional_row():
    assert run(request(SOURCE, guidance=1.0))[-1].forwards["refining"] == 9 + 5 + 3


class TextRecorder(SmallBackbone):
    """Keeps the text of each plain row."""

    def predict(self, latents, timestep, text, anchors=None):
        if anchors is None:
            self.plain_texts.append(text)
        return super().predict(latents, timestep, text, anchors)


def test_the_negative_prompt_is_the_text_of_the_unconditional_row_alone():
    store = MemoryStore()
    usual = run(request(SOURCE), store=store)[-1]
    backbone = TextRecorder()
    backbone.plain_texts = []
    other = run(request(SOURCE, negative="a shark"), backbone, store=store)[-1]
    (negative,) = SmallBackbone().encode_text(["a shark"])
    unconditional = [text for text in backbone.plain_texts if torch.equal(text, negative)]
    assert len(unconditional) == 9 + 5
    assert not torch.equal(usual.latents, other.latents)
    # The inversion knows no prompt, so the clip's trajectory is shared.
    assert "inverting" not in other.forwards and backbone.encoded_texts == ["a shark"]
    (empty,) = SmallBackbone().encode_text([""])
    assert not any(torch.equal(text, empty) for text in backbone.plain_texts)
    alone = run(request(SOURCE, negative="a shark"))[-1]
    assert torch.equal(other.latents, alone.latents)


def test_no_negative_prompt_is_the_empty_one():
    assert torch.equal(run(request(SOURCE))[-1].latents, run(request(SOURCE, negative=""))[-1].latents)
    assert request(SOURCE).digest() != request(SOURCE, negative="a shark").digest()


def test_events_report_the_stages_in_order_with_time_left():
    events = run(request(SOURCE))
    steps = [(e.stage, e.iteration, e.step, e.steps) for e in events if isinstance(e, Progress)]
    assert steps == [
        ("segmenting", 0, 1, 1),
        ("encoding", 0, 1, 2),
        ("encoding", 0, 2, 2),
        *(("inverting", 0, step, 6) for step in range(1, 7)),
        *(("refining", 1, step, 9) for step in range(1, 10)),
        *(("refining", 2, step, 5) for step in range(1, 6)),
        ("finishing", 0, 1, 1),
    ]
    left = [e.seconds_left for e in events if isinstance(e, Progress) and e.stage in ("inverting", "refining")]
    assert all(seconds > 0.0 for seconds in left)
    outcome = events[-1]
    assert isinstance(outcome, Outcome)
    assert outcome.frames.shape == SOURCE.shape
    assert outcome.frames.dtype == torch.uint8
    assert outcome.mask.shape == outcome.source_mask.shape == SOURCE.shape[:3]
    assert outcome.latents.dtype == torch.float32
    assert set(outcome.seconds) == {"segmenting", "encoding", "inverting", "refining", "finishing"}


def test_previews_change_nothing_and_come_when_asked():
    plain, watched = run(request(SOURCE)), run(request(SOURCE), preview_every=2)
    assert torch.equal(plain[-1].latents, watched[-1].latents)
    assert torch.equal(plain[-1].frames, watched[-1].frames)
    kinds = [e.kind for e in watched if isinstance(e, Preview)]
    assert kinds == ["source_mask", *["x0"] * 4, "mask", "composite", *["x0"] * 2, "mask", "composite"]
    assert [e.kind for e in plain if isinstance(e, Preview)].count("x0") == 0
    final = [e for e in watched if isinstance(e, Preview) and e.kind == "composite"][-1]
    outside = watched[-1].mask == 0
    assert torch.equal(final.frames[outside], SOURCE[outside])


def test_another_seed_gives_another_take():
    assert not torch.equal(run(request(SOURCE))[-1].latents, run(request(SOURCE, seed=8))[-1].latents)


def test_the_residual_is_replaced_not_added_up():
    """An object that moves between iterations leaves nothing behind where it was."""
    outcome = run(request(SOURCE), segmenter=finds((12, 0, 24, 12), (0, 0, 8, 8), (0, 0, 8, 8)))[-1]
    original = SmallBackbone().encode(SOURCE)
    changed = (outcome.latents != original).any(dim=1)
    assert changed[:, :2, :2].all()
    assert changed.sum() == 3 * 2 * 2


def test_mask_reach_carries_the_edit_over_missed_frames():
    def answer(frames, phrase, call):
        mask = box(frames, 12, 0, 24, 12) if call and phrase == "whale" else box(frames, 0, 0, 0, 0)
        mask[5:] = 0.0
        return mask

    original = SmallBackbone().encode(SOURCE)
    for reach, frames in ((0, 2), (1, 3)):
        outcome = run(request(SOURCE, mask_reach=reach), segmenter=ScriptedSegmenter(answer))[-1]
        assert (outcome.latents != original).flatten(1).any(dim=1).sum() == frames


class RecordingBackbone(SmallBackbone):
    """Keeps the latents of the last row of every timestep, the source row left out."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def predict(self, latents, timestep, text, anchors=None):
        if anchors is None or not anchors.recording:
            self.seen[timestep] = latents
        return super().predict(latents, timestep, text, anchors)


def test_a_follow_up_starts_from_its_parent_and_keeps_what_it_added():
    store = MemoryStore()
    parent = run(request(SOURCE), store=store)[-1].latents
    backbone = RecordingBackbone()
    wanted = request(SOURCE, levels=(499,), parent="a-take", plan=msgspec.structs.replace(PLAN, target_object="buoy"))
    segmenter = ScriptedSegmenter(
        lambda frames, phrase, call: box(frames, 0, 0, 8, 8) if call and phrase == "buoy" else box(frames, 0, 0, 0, 0)
    )
    outcome = run(wanted, backbone, segmenter, parent=parent)[-1]
    alpha, sigma = backbone.schedule.alpha_sigma(499)
    noise = normal(parent.shape, "noise", wanted.seed, 0, 0)
    torch.testing.assert_close(backbone.seen[499], alpha * parent + sigma * noise)
    original = SmallBackbone().encode(SOURCE)
    changed = (outcome.latents != original).any(dim=1)
    assert changed[:, :2, :2].all()
    assert changed[:, :3, 3:].all()
    assert not changed[:, 3].any()
    assert outcome.mask[:, :8, :8].all()
    assert outcome.mask[:, :12, 12:].all()


def test_follow_ups_of_different_parents_do_not_share_states():
    store = MemoryStore()
    parent = run(request(SOURCE), store=store)[-1].latents
    wanted = request(SOURCE, levels=(499,), parent="a-take")
    first = run(wanted, store=store, parent=parent)[-1]
    second = run(wanted, store=store, parent=parent + 1.0)[-1]
    assert not torch.equal(first.latents, second.latents)


@pytest.mark.parametrize(
    "changes",
    [
        {"levels": ()},
        {"levels": (499, 899)},
        {"levels": (900,)},
        {"keep_foreground": 1.5},
        {"coverage": -0.1},
        {"retries": -1},
        {"mask_reach": -1},
        {"region": (0.5, 0.0, 0.5, 1.0)},
        {"parent": "a-take"},
        {"inversion_steps": 2},
    ],
)
def test_requests_that_contradict_themselves_are_refused_before_any_work(changes):
    backbone = SmallBackbone()
    with pytest.raises(BadRequest) as caught:
        run(request(SOURCE, **changes), backbone)
    assert caught.value.remedy
    assert backbone.calls == []


def test_levels_off_the_grid_are_refused_with_the_nearest_ones():
    with pytest.raises(BadRequest, match="899 for 890"):
        run(request(SOURCE, levels=(890,)))


def test_clips_that_do_not_fit_are_refused():
    with pytest.raises(BadRequest, match="Conform"):
        run(request(SOURCE), source=clip(0, (5, 16, 24)))
    narrow = clip(0, (9, 16, 20))
    with pytest.raises(BadRequest, match="multiples of 8"):
        run(request(narrow), source=narrow)
    odd = clip(0, (10, 16, 24))
    with pytest.raises(BadRequest, match="10 frames"):
        run(request(odd), source=odd)
    with pytest.raises(BadRequest, match="parent"):
        run(request(SOURCE, parent="a-take"), parent=torch.zeros(2, 4, 4, 6))


def test_a_full_card_is_said_in_words():
    class FullCard(SmallBackbone):
        def decode(self, latents):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 15.8 GiB")

    with pytest.raises(OutOfMemory, match="15.8 GiB"):
        run(request(SOURCE), FullCard())


def test_guidance_multiplies_the_anchors_effect():
    """The unconditional row sees no anchors, so the difference that they make grows with the guidance."""
    backbone = RecordingBackbone()
    effects = []
    for guidance in (2.0, 8.0):
        pair = []
        for mode in ("full", "none"):
            backbone.seen = {}
            run(request(SOURCE, levels=(899,), anchor_mode=mode, guidance=guidance), backbone)
            pair.append(backbone.seen[799])
        effects.append((pair[0] - pair[1]).norm())
    assert effects[1] / effects[0] == pytest.approx(4.0, rel=1e-3)
    assert not math.isclose(float(effects[0]), 0.0)
