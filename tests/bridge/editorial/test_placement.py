import json
import stat
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from bridge.editorial.clip_list import Shot, list_shots, select_shot
from bridge.editorial.placement import PlacedTake, place_takes, readable_by_older, write_timeline
from bridge.editorial.timeline import open_timeline, timeline_for_media
from contract.errors import BadTimeline, BadUsage, OutOfDisk
from contract.image_sequence import ImageSequence
from tests.bridge.editorial import exported as ex


def take(shot: Shot, folder: Path, name: str = "take 1", **fields: object) -> PlacedTake:
    return PlacedTake(ex.footage(folder, f"{name}.mov"), shot.rate, shot.frame_count, name, **fields)


def without(timeline: otio.schema.Timeline, address: tuple[int, ...]) -> otio.schema.Timeline:
    rest = timeline.deepcopy()
    stack = rest.tracks
    for index in address[:-1]:
        stack = stack[index]
    del stack[address[-1]]
    return rest


@pytest.mark.parametrize("export", [ex.resolve_export, ex.premiere_like_export, ex.avid_like_export])
def test_everything_else_stays(tmp_path: Path, export: object) -> None:
    media = ex.footage(tmp_path, "my plate.mov")
    opened = open_timeline(ex.write(tmp_path / "cut.otio", export(media)))
    before = opened.timeline.deepcopy()
    for listed in list_shots(opened, ex.probe_of(ex.Facts(Fraction(25), start_timecode=90000))):
        if listed.shot is None:
            continue
        shot = listed.shot
        placed = place_takes(opened, shot, [take(shot, tmp_path)], label="ball")
        layer = (*shot.address[:-2], shot.track_index + 1)
        assert without(placed, layer).is_equivalent_to(before)
        parents = [placed.tracks]
        for index in layer:
            parents.append(parents[-1][index])
        track = parents[-1]
        original = parents[-2][shot.track_index][shot.address[-1]]
        assert track.name == "VFX - ball" and track.kind == "Video"
        seen = original.range_in_parent()
        if shot.nested:  # of its fifty frames the compound clip shows forty from the fifth on
            seen = ex.frames(5, 40, 25)
        assert track[-1].range_in_parent() == seen
    assert opened.timeline.is_equivalent_to(before)


def test_resolve_gets_plain_paths_effects_and_nothing_linked(tmp_path: Path) -> None:
    media = ex.footage(tmp_path, "my plate.mov")
    opened = open_timeline(ex.write(tmp_path / "cut.otio", ex.resolve_export(media)))
    shot = select_shot(opened)
    placed = place_takes(opened, shot, [take(shot, tmp_path / "takes")])
    clip = placed.tracks[1][-1]
    assert clip.media_reference.target_url == str(tmp_path / "takes" / "take 1.mov")
    assert clip.source_range == ex.frames(0, 72)
    assert clip.media_reference.available_range == ex.frames(0, 72)
    # The layer is made from the plate before the zoom, so it needs the same zoom.
    assert clip.effects[0].is_equivalent_to(opened.timeline.tracks[0][1].effects[0])
    assert not clip.markers and not clip.metadata


def test_url_forms_take_after_the_clip(tmp_path: Path) -> None:
    media = ex.footage(tmp_path / "my media", "a.mov")
    opened = open_timeline(ex.write(tmp_path / "cut.otio", ex.premiere_like_export(media)))
    shot = select_shot(opened, 1)
    placed = place_takes(opened, shot, [take(shot, tmp_path / "my media", "ü")])
    url = placed.tracks[1][-1].media_reference.target_url
    assert url.startswith("file://localhost/") and url.endswith("/my%20media/%C3%BC.mov")


def test_versions_are_references_of_one_clip(tmp_path: Path) -> None:
    opened = timeline_for_media(ex.footage(tmp_path), 24, 100)
    shot = select_shot(opened)
    takes = [
        take(shot, tmp_path, "t1"),
        take(shot, tmp_path, "t2", metadata={"dynvfx": {"seed": 7}}),
        take(shot, tmp_path, "t1"),
    ]
    placed = place_takes(opened, shot, takes, active=1)
    clip = placed.tracks[1][-1]
    assert clip.active_media_reference_key == "DEFAULT_MEDIA"
    names = {key: reference.name for key, reference in clip.media_references().items()}
    assert names == {"DEFAULT_MEDIA": "t2", "t1": "t1", "t1 2": "t1"}
    assert clip.media_reference.metadata == {"dynvfx": {"seed": 7}}
    assert clip.name == "t2" and placed.tracks[1].name == "VFX - t2"
    path = tmp_path / "out.otio"
    write_timeline(placed, path)
    assert not readable_by_older(placed) and "Clip.2" in path.read_text() and "Clip.1" not in path.read_text()
    assert open_timeline(path).timeline.is_equivalent_to(placed)


def test_one_take_is_written_for_older_applications(tmp_path: Path) -> None:
    opened = timeline_for_media(ex.footage(tmp_path), 24, 100)
    shot = select_shot(opened)
    placed = place_takes(opened, shot, [take(shot, tmp_path)])
    path = tmp_path / "new folder" / "out.otio"
    write_timeline(placed, path)
    text = path.read_text()
    assert "Clip.1" in text and "Clip.2" not in text and "media_references" not in text
    assert open_timeline(path).timeline.is_equivalent_to(placed)
    assert list(path.parent.iterdir()) == [path] and path.stat().st_mode & stat.S_IRUSR
    write_timeline(placed, path, older=False)
    assert "Clip.2" in path.read_text()


def test_a_reference_under_its_own_name_is_not_lost_to_older_schemas(tmp_path: Path) -> None:
    opened = timeline_for_media(ex.footage(tmp_path), 24, 100)
    clip = opened.timeline.tracks[0][0]
    clip.set_media_references({"high": clip.media_reference.deepcopy()}, "high")
    write_timeline(opened.timeline, tmp_path / "out.otio")
    assert '"high"' in (tmp_path / "out.otio").read_text()


def test_part_of_a_clip(tmp_path: Path) -> None:
    built = otio.schema.Timeline("x", global_start_time=ex.frames(86400, 0).start_time)
    clip = ex.clip("a", ex.footage(tmp_path), 20, 48)
    built.tracks.append(otio.schema.Track("V1", [otio.schema.Gap(duration=ex.frames(0, 12).duration), clip]))
    opened = ex.opened(built, tmp_path)
    for part, expected in (((10, 19), ex.frames(22, 10)), ((0, 9), ex.frames(12, 10)), ((47, 47), ex.frames(59, 1))):
        shot = select_shot(opened, in_out=part)
        placed = place_takes(opened, shot, [take(shot, tmp_path)])
        track = placed.tracks[1]
        assert track[-1].range_in_parent() == expected
        assert [type(item) for item in track] == [otio.schema.Gap, otio.schema.Clip]


def test_part_at_half_the_timeline_rate(tmp_path: Path) -> None:
    built = otio.schema.Timeline("x", global_start_time=ex.frames(0, 0, 25).start_time)
    lead = otio.schema.Gap(duration=ex.frames(0, 5, 25).duration)
    built.tracks.append(otio.schema.Track("V1", [lead, ex.clip("a", ex.footage(tmp_path), 0, 100, 50.0)]))
    opened = ex.opened(built, tmp_path)
    shot = select_shot(opened, in_out=(10, 19))
    placed = place_takes(opened, shot, [take(shot, tmp_path)])
    record = placed.tracks[1][-1].range_in_parent()
    assert (record.start_time.to_frames(25), record.duration.to_frames(25)) == (10, 5)


def test_start_timecode(tmp_path: Path) -> None:
    opened = timeline_for_media(ex.footage(tmp_path), 25, 100, 90000)
    shot = select_shot(opened)
    placed = place_takes(opened, shot, [take(shot, tmp_path, start_frame=90000)])
    clip = placed.tracks[1][-1]
    assert clip.source_range == clip.media_reference.available_range == ex.frames(90000, 100, 25)
    assert clip.range_in_parent() == ex.frames(0, 100, 25)


def test_sequences_are_spelled_as_the_application_does(tmp_path: Path) -> None:
    sequence = ImageSequence(str(tmp_path / "my take"), "t.", ".png", 1, 1, 4)
    opened = open_timeline(ex.write(tmp_path / "cut.otio", ex.resolve_export(ex.footage(tmp_path))))
    shot = select_shot(opened)
    placed = place_takes(opened, shot, [PlacedTake(sequence.image(0), shot.rate, 72, "png", sequence=sequence)])
    url = placed.tracks[1][-1].media_reference.target_url
    assert url == str(tmp_path / "my take" / "t.[0001-0072].png")
    for folder, expected in (("file:///", "file:///"), ("", "/")):
        media = otio.schema.ImageSequenceReference(
            folder + str(tmp_path).lstrip("/") if folder else ".", "n.", ".exr", 1
        )
        media.rate, media.available_range = 24, ex.frames(0, 9)
        ex.footage(tmp_path, "n.1.exr")
        built = otio.schema.Timeline("x")
        built.tracks.append(otio.schema.Track("V1", [otio.schema.Clip("a", media)]))
        opened = ex.opened(built, tmp_path)
        shot = select_shot(opened)
        placed = place_takes(opened, shot, [PlacedTake(sequence.image(0), shot.rate, 9, "png", sequence=sequence)])
        reference = placed.tracks[1][-1].media_reference
        assert reference.target_url_base.startswith(expected) and reference.target_url_base.endswith("take/")
        assert reference.target_url_for_image_number(8).endswith("take/t.0009.png")


def test_placed_sequences_are_found_again(tmp_path: Path) -> None:
    opened = timeline_for_media(ex.footage(tmp_path), 25, 3)
    shot = select_shot(opened)
    sequence = ImageSequence(str(tmp_path / "my take"), "t.", ".png", 5, 1, 3, 3)
    for number in range(3):
        ex.footage(tmp_path / "my take", f"t.{number + 5:03d}.png")
    placed = place_takes(opened, shot, [PlacedTake(sequence.image(0), shot.rate, 3, "png", sequence=sequence)])
    write_timeline(placed, tmp_path / "out.otio")
    assert select_shot(open_timeline(tmp_path / "out.otio"), "png").sequence == sequence


def test_trimmed_tracks_stay_aligned(tmp_path: Path) -> None:
    built = otio.schema.Timeline("x", global_start_time=ex.frames(0, 0).start_time)
    lead = otio.schema.Gap(duration=ex.frames(0, 12).duration)
    track = otio.schema.Track("V1", [lead, ex.clip("a", ex.footage(tmp_path), 0, 48)], source_range=ex.frames(5, 40))
    built.tracks.extend([track, otio.schema.Track("V2")])
    opened = ex.opened(built, tmp_path)
    shot = select_shot(opened)
    # The track ends before the clip does: of its 48 frames 33 are seen.
    assert (shot.record_start, shot.frame_count, shot.seen.before) == (7, 33, (0, 1))
    placed = place_takes(opened, shot, [take(shot, tmp_path)])
    original, taken = placed.tracks[0][1], placed.tracks[1][-1]
    assert placed.tracks[1].source_range == track.source_range
    assert taken.transformed_time_range(taken.source_range, placed.tracks) == ex.frames(7, 33)
    assert original.transformed_time_range(original.source_range, placed.tracks) == ex.frames(7, 48)


def test_clip_bare_in_a_stack(tmp_path: Path) -> None:
    built = otio.schema.Timeline("x")
    built.tracks.append(ex.clip("a", ex.footage(tmp_path)))
    opened = ex.opened(built, tmp_path)
    shot = select_shot(opened, in_out=(8, 15))
    placed = place_takes(opened, shot, [take(shot, tmp_path)])
    assert placed.tracks[1][-1].range_in_parent() == ex.frames(8, 8)
    assert without(placed, (1,)).is_equivalent_to(built)


def test_takes_that_do_not_fit(tmp_path: Path) -> None:
    opened = timeline_for_media(ex.footage(tmp_path), 24, 100)
    shot = select_shot(opened)
    good = take(shot, tmp_path)
    for takes, active in (([], 0), ([good], 1), ([good], -1)):
        with pytest.raises(BadUsage, match="no take"):
            place_takes(opened, shot, takes, active)
    for wrong in (PlacedTake("x.mov", (25, 1), 100, "x"), PlacedTake("x.mov", (24, 1), 99, "x")):
        with pytest.raises(BadUsage, match="does not fit"):
            place_takes(opened, shot, [wrong])
    with pytest.raises(BadUsage, match="timecode"):
        place_takes(opened, shot, [good, take(shot, tmp_path, "t2", start_frame=5)])
    other = ex.opened(otio.schema.Timeline("empty"), tmp_path)
    with pytest.raises(BadTimeline, match="not from this timeline"):
        place_takes(other, shot, [good])


def test_relative_media_still_leads_to_its_files_elsewhere(tmp_path: Path) -> None:
    media = ex.footage(tmp_path / "cut" / "media", "a b.mov")
    clip = ex.clip1("a", ex.movie("media/a%20b.mov", ex.span(0, 50, 24)), ex.span(0, 50, 24))
    opened = open_timeline(ex.write(tmp_path / "cut" / "cut.otio", ex.timeline(ex.track(clip))))
    beside, away = tmp_path / "cut" / "out.otio", tmp_path / "elsewhere" / "out.otio"
    for path in (beside, away):
        write_timeline(opened.timeline, path, media_base=opened.media_base)
        assert select_shot(open_timeline(path)).media_path == media
    assert open_timeline(beside).timeline.is_equivalent_to(opened.timeline)
    moved = json.loads(away.read_text())["tracks"]["children"][0]["children"][0]
    assert moved["media_reference"]["target_url"] == media


def test_writing_fails_without_a_trace(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="otio"):
        write_timeline(otio.schema.Timeline("x"), tmp_path / "x.xml")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutOfDisk):
        write_timeline(otio.schema.Timeline("x"), tmp_path / "file" / "x.otio")
    (tmp_path / "x.otio").mkdir()
    with pytest.raises(OutOfDisk):
        write_timeline(otio.schema.Timeline("x"), tmp_path / "x.otio")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "x.otio"}


def test_unknown_schemas_in_metadata_survive(tmp_path: Path) -> None:
    odd = {"OTIO_SCHEMA": "HostThing.7", "inner": [1, {"OTIO_SCHEMA": "Deep.2", "x": None}]}
    clip = ex.clip1("a", ex.movie(ex.footage(tmp_path), ex.span(0, 50, 24)), None, metadata={"host": odd}, frob=[1])
    opened = open_timeline(ex.write(tmp_path / "cut.otio", ex.timeline(ex.track(clip))))
    shot = select_shot(opened)
    write_timeline(place_takes(opened, shot, [take(shot, tmp_path)]), tmp_path / "out.otio")
    kept = json.loads((tmp_path / "out.otio").read_text())["tracks"]["children"][0]["children"][0]
    assert kept["metadata"] == {"host": odd} and kept["frob"] == [1]
