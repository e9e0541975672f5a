"""Random timelines in every Blender: a take's range is the clip's, nothing else changes, undo restores."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugin.blender.blenders import ALL, Blender
from tests.plugin.blender.conftest import Media

TIMELINES = int(os.environ.get("DYNVFX_RANDOM_TIMELINES", "500"))
"""Number of timelines, for all Blenders together."""

_looks = st.fixed_dictionaries(
    {},
    optional={
        "transform__offset_x": st.integers(-80, 80),
        "transform__rotation": st.sampled_from([0.0, 0.5, -1.2]),
        "transform__scale_x": st.sampled_from([0.25, 1.0, 3.5]),
        "crop__min_x": st.integers(0, 40),
        "use_flip_x": st.booleans(),
        "blend_alpha": st.sampled_from([0.0, 0.3, 1.0]),
        "blend_type": st.sampled_from(["ALPHA_OVER", "REPLACE", "MULTIPLY"]),
    },
)
_strips = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["movie", "movie", "pictures", "meta", "colour"]),
        "channel": st.sampled_from([1, 1, 2, 3, 4, 7, 127, 128]),
        "start": st.integers(-60, 200),
        "trim": st.tuples(st.integers(0, 19), st.integers(0, 20)),
        "look": _looks,
        "keyed": st.booleans(),
    }
)
_effects = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["CROSS", "ADD", "ALPHA_OVER", "WIPE"]),
        "channel": st.sampled_from([2, 3, 5, 9, 20]),
        "inputs": st.tuples(st.integers(0, 7), st.integers(0, 7)),
    }
)
timelines = st.fixed_dictionaries(
    {
        "rate": st.sampled_from([(24, 1.0), (24, 1.001), (30, 1.001), (25, 1.0), (60, 1.001)]),
        "start": st.sampled_from([0, 1, 100]),
        "strips": st.lists(_strips, min_size=1, max_size=6).filter(
            lambda them: any(e["kind"] != "colour" for e in them)
        ),
        "effects": st.lists(_effects, max_size=2),
        "locked": st.lists(st.sampled_from([2, 3, 5, 128]), max_size=2, unique=True),
        "full": st.lists(st.sampled_from([2, 4, 6, 8]), max_size=3, unique=True),
        "takes": st.integers(1, 3),
        "active": st.integers(0, 2),
        "target": st.integers(0, 5),
    }
)


def test_random_timelines(running: Blender, media: Media, layers: Path) -> None:
    running.call("scenes.fresh")
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=max(1, TIMELINES // len(ALL)),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(timelines)
    def check(spec: dict) -> None:
        usable = [number for number, each in enumerate(spec["strips"]) if each["kind"] != "colour"]
        spec = {**spec, "target": usable[spec["target"] % len(usable)]}
        found = running.call("random_timelines.check", spec, str(layers), str(layers), str(media.h264))
        assert found["wrong"] == []
        outcomes[found["outcome"]] += 1

    check()
    assert set(outcomes) <= {"placed", "no_free_track"}
    assert outcomes["placed"] > sum(outcomes.values()) / 3
