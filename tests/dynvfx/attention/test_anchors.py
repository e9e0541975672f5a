"""Anchor positions: keep rates, one pattern for all frames, draws by name."""

from __future__ import annotations

import math

import numpy as np
import torch

from dynvfx.attention.anchors import AnchorRule
from dynvfx.sampling.rng import generator

COUNTERS = (7, 0, 0, 899)


def test_keep_rates():
    foreground = torch.zeros(2, 60, 90, dtype=torch.bool)
    foreground[:, :30] = True
    rule = AnchorRule("anchor", foreground, 0.7, 0.05)
    kept = torch.zeros(foreground.numel())
    draws = 40
    for block in range(draws):
        kept[rule.positions(1, 0, 0, 899, block)] += 1.0
    inside, outside = (kept.reshape(foreground.shape)[region] / draws for region in (foreground, ~foreground))
    count = 30 * 90 * draws
    for share, wanted in ((inside.mean(), 0.7), (outside.mean(), 0.05)):
        assert abs(share - wanted) < 5.0 * math.sqrt(wanted * (1 - wanted) / count)


def test_all_frames_share_one_pattern_where_they_share_the_mask():
    foreground = torch.zeros(5, 20, 30, dtype=torch.bool)
    foreground[:, 5:15] = True
    chosen = AnchorRule("anchor", foreground, 0.5, 0.5).positions(*COUNTERS, 3)
    pattern = torch.zeros(foreground.numel(), dtype=torch.bool)
    pattern[chosen] = True
    pattern = pattern.reshape(foreground.shape)
    assert 0 < pattern[0].sum() < 600
    assert all(torch.equal(frame, pattern[0]) for frame in pattern)


def test_draws_depend_on_every_counter_and_on_nothing_else():
    foreground = torch.zeros(1, 30, 45, dtype=torch.bool)
    rule = AnchorRule("anchor", foreground, 0.7, 0.5)
    names = [(7, 0, 0, 899, 0), (8, 0, 0, 899, 0), (7, 1, 0, 899, 0), (7, 0, 1, 899, 0), (7, 0, 0, 879, 0)]
    names += [(7, 0, 0, 899, block) for block in range(1, 4)]
    drawn = [rule.positions(*name) for name in names]
    torch.manual_seed(123)
    np.random.seed(5)
    again = [rule.positions(*name) for name in reversed(names)][::-1]
    assert all(torch.equal(a, b) for a, b in zip(drawn, again, strict=True))
    patterns = torch.zeros(len(names), foreground.numel())
    for pattern, chosen in zip(patterns, drawn, strict=True):
        pattern[chosen] = 1.0
    correlation = torch.corrcoef(patterns) - torch.eye(len(names))
    assert correlation.abs().max() < 5.0 / math.sqrt(foreground.numel())


def test_counters_are_not_run_together():
    assert generator("noise", 1, 23).random() != generator("noise", 12, 3).random()
    assert generator("noise", 1).random() != generator("anchors", 1).random()
