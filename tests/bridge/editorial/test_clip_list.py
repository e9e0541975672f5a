"""What the list of clips costs: items that are visited, files that are asked, lines that an error has."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from bridge.editorial import timeline as timeline_module
from bridge.editorial import video_clips
from bridge.editorial.clip_list import list_clips, list_shots, select_shot, shot_at
from bridge.editorial.timeline import OpenTimeline, open_timeline
from contract.errors import BadMedia, BadTimeline
from tests.bridge.editorial import exported as ex


class Probes:
    """A probe that counts what it is asked."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(self, path: str, rate: Fraction | None) -> ex.Facts:
        self.paths.append(path)
        return ex.Facts()


def cut_of(folder: Path, count: int, files: int = 3, ranges: bool = False) -> OpenTimeline:
    """`count` clips of `files` movies, without available ranges unless `ranges`."""
    urls = [ex.footage(folder, f"plate {number}.mov") for number in range(files)]
    clips = [
        ex.clip1(f"shot {place:04d}", ex.movie(urls[place % files], ex.span(0, 100, 24) if ranges else None),
                 ex.span(0, 10, 24))
        for place in range(count)
    ]  # fmt: skip
    return open_timeline(ex.write(folder / "cut.otio", ex.timeline(ex.track(*clips))))


def test_a_list_asks_no_media_and_a_choice_only_its_own(tmp_path: Path) -> None:
    opened, probes = cut_of(tmp_path, 40), Probes()
    listed = list_clips(opened)
    assert len(listed) == 40 and all(each.shot is None and each.problem is None for each in listed)
    assert select_shot(opened, "shot 0020", probe=probes).index == 21
    assert shot_at(opened, 21, probes).shot == select_shot(opened, 21)
    assert {Path(path).name for path in probes.paths} == {"plate 2.mov"}
    assert len(probes.paths) == 2


def test_every_file_is_asked_once(tmp_path: Path) -> None:
    probes = Probes()
    assert len(list_shots(cut_of(tmp_path, 60), probes)) == 60
    assert len(probes.paths) == 3


def test_a_damaged_file_is_asked_once_and_named_each_time(tmp_path: Path) -> None:
    asked = []

    def probe(path: str, rate: Fraction | None) -> ex.Facts:
        asked.append(path)
        raise BadMedia("It is damaged.")

    listed = list_shots(cut_of(tmp_path, 5, files=1), probe)
    assert [each.problem.what for each in listed] == ["It is damaged."] * 5
    assert len({id(each.problem) for each in listed}) == 5 and len(asked) == 1


def test_ranges_make_media_unnecessary(tmp_path: Path) -> None:
    listed = list_clips(cut_of(tmp_path, 5, ranges=True))
    assert [each.shot.record_start for each in listed] == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("count", [50, 200])
def test_visits_grow_with_the_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    opened, visits, walks = cut_of(tmp_path, count, ranges=True), [], []
    duration_of, walk = video_clips.duration_of, timeline_module.walk_video_clips
    monkeypatch.setattr(video_clips, "duration_of", lambda item: visits.append(1) or duration_of(item))
    monkeypatch.setattr(timeline_module, "walk_video_clips", lambda timeline: walks.append(1) or walk(timeline))
    assert len(list_clips(opened)) == count
    assert (len(visits), len(walks)) == (2 * count, 1), "one walk for the list, one for the timeline's rate"


def test_an_error_names_the_nearest_and_counts_the_rest(tmp_path: Path) -> None:
    opened = cut_of(tmp_path, 300)
    with pytest.raises(BadTimeline) as caught:
        select_shot(opened, "shot 012")
    problem = caught.value
    assert problem.remedy == 'Did you mean "shot 0120"?'
    assert '"shot 0129"' in problem.why and "and 290 more" in problem.why
    assert len(problem.why) < 1500
    assert select_shot(opened, "shot 0120").index == 121
    for choice in (None, 999):
        with pytest.raises(BadTimeline) as caught:
            select_shot(opened, choice)
        assert len(caught.value.why.splitlines()) == 11 and "and 290 more" in caught.value.why


def test_clips_of_one_name_are_listed_by_number(tmp_path: Path) -> None:
    url = ex.footage(tmp_path)
    clips = [ex.clip1("take", ex.movie(url, ex.span(0, 100, 24)), ex.span(0, 10, 24)) for _ in range(25)]
    opened = open_timeline(ex.write(tmp_path / "cut.otio", ex.timeline(ex.track(*clips))))
    with pytest.raises(BadTimeline, match='25 clips are called "take"') as caught:
        select_shot(opened, "take")
    assert "and 15 more" in caught.value.why and select_shot(opened, 25).record_start == 240
