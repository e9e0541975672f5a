"""The cache's limit, the order of decoding, and the decoder's thread."""

from __future__ import annotations

import numpy as np

from plugin.review_media.decoder import Decoder, Measurement, PlacedSlice
from plugin.review_media.frame_cache import FrameCache, Key
from plugin.review_media.pictures import Picture
from plugin.review_media.prefetch import PrefetchRequest

from .movies import number_of, slice_of, write_movie


def picture(bytes_: int) -> Picture:
    return Picture(np.zeros((1, bytes_ // 4, 4), np.uint8), bytes_ // 4, 1)


def test_the_cache_never_holds_more_than_its_limit():
    cache = FrameCache(1000)
    for number in range(50):
        cache.put(Key("a", number), picture(100 + number // 10 * 40))
        assert cache.bytes <= 1000
        assert cache.bytes == sum(cache.get(Key("a", frame)).bytes for frame in cache.frames("a", 0))
    assert Key("a", 49) in cache and Key("a", 0) not in cache


def test_the_least_recently_used_picture_is_dropped_first():
    cache = FrameCache(400)
    for number in range(4):
        cache.put(Key("a", number), picture(100))
    cache.get(Key("a", 0))
    cache.put(Key("b", 9), picture(100))
    assert cache.frames("a", 0) == {0, 2, 3}
    cache.forget("a")
    assert cache.bytes == 100 and len(cache) == 1


def test_a_picture_larger_than_the_cache_is_not_cached():
    cache = FrameCache(100)
    assert not cache.put(Key("a", 0), picture(104))
    assert cache.bytes == 0
    assert cache.put(Key("a", 0), picture(100)) and cache.put(Key("a", 0), picture(40))
    assert cache.bytes == 40


def runs(request: PrefetchRequest, held=(), count=99):
    """The runs that are decoded one after another."""
    known, order = set(held), []
    while len(order) < count and (run := request.next_run(known)):
        order.append([(key.source, key.frame) for key in run])
        known.update(run)
    return order


def test_a_frame_is_decoded_completely_before_the_next():
    request = PrefetchRequest(5, (("a", 0), ("b", 0)), 0, 99, ahead=2, playing=True)
    assert runs(request) == [[("a", 5), ("b", 5)], [("a", 6), ("b", 6)], [("a", 7), ("b", 7)]]


def test_spare_sources_come_after_shown_ones():
    playing = PrefetchRequest(5, (("b", 0),), 0, 99, ahead=1, playing=True, spare=(("a", 0),))
    assert runs(playing) == [[("b", 5)], [("b", 6)], [("a", 5)], [("a", 6)]]
    stopped = PrefetchRequest(5, (("b", 0),), 0, 99, ahead=1, spare=(("a", 0),))
    assert runs(stopped) == [[("b", 5), ("a", 5)], [("b", 6)], [("a", 6)]]


def test_a_loop_prefetches_across_its_end():
    request = PrefetchRequest(9, (("a", 0),), 4, 10, loop=True, ahead=4)
    assert list(request.frames()) == [9, 10, 4, 5, 6]
    assert list(PrefetchRequest(9, (("a", 0),), 4, 10, ahead=4).frames()) == [9, 10]
    assert list(PrefetchRequest(5, (("a", 0),), 5, 6, loop=True, ahead=30).frames()) == [5, 6]


def test_backward_is_decoded_in_forward_runs():
    request = PrefetchRequest(20, (("a", 0),), 0, 99, direction=-1, ahead=6, playing=True)
    assert runs(request) == [[("a", frame) for frame in range(14, 21)]]
    fast = PrefetchRequest(20, (("a", 0),), 0, 99, direction=-1, ahead=2, stride=4, playing=True)
    assert runs(fast) == [[("a", 20)], [("a", 16)], [("a", 12)]]


def test_the_decoder_fulfils_the_request_and_then_waits(qtbot, tmp_path):
    decoder = Decoder(FrameCache(8 << 20))
    decoder.set_sources({"a": PlacedSlice(slice_of(write_movie(tmp_path / "a.mp4", 20), 20))})
    decoder.prefetch(PrefetchRequest(3, (("a", 0),), 0, 19, ahead=4))
    qtbot.waitUntil(lambda: decoder.cache.frames("a", 0) == {3, 4, 5, 6, 7}, timeout=5000)
    assert number_of(decoder.cache.get(Key("a", 6)).pixels) == 6
    assert decoder.pictures_decoded == 5
    decoder.prefetch(PrefetchRequest(3, (("a", 0),), 0, 19, ahead=4))
    decoder.close()
    assert decoder.pictures_decoded == 5


def test_a_source_that_changes_is_read_again(qtbot, tmp_path):
    decoder = Decoder(FrameCache(8 << 20))
    first, second = (slice_of(write_movie(tmp_path / f"{n}.mp4", 20), 20, first=n) for n in (0, 5))
    request = PrefetchRequest(3, (("a", 0),), 0, 14, ahead=0)
    decoder.set_sources({"a": PlacedSlice(first)})
    decoder.prefetch(request)
    qtbot.waitUntil(lambda: Key("a", 3) in decoder.cache, timeout=5000)
    decoder.set_sources({"a": PlacedSlice(second)})
    qtbot.waitUntil(lambda: Key("a", 3) in decoder.cache, timeout=5000)
    assert number_of(decoder.cache.get(Key("a", 3)).pixels) == 8
    decoder.close()


def test_an_unreadable_file_is_not_tried_again(qtbot, tmp_path):
    decoder = Decoder(FrameCache(8 << 20))
    decoder.set_sources({"a": PlacedSlice(slice_of(tmp_path / "gone.mp4", 20))})
    with qtbot.waitSignal(decoder.failed, timeout=5000) as reported:
        decoder.prefetch(PrefetchRequest(0, (("a", 0),), 0, 19, ahead=0))
    assert reported.args[0] == "a" and "does not exist" in reported.args[1].what
    assert decoder.is_undecodable(Key("a", 0))
    decoder.close()


def changed(tmp_path, name, where, value, pix_fmt="yuv444p"):
    """A movie whose luma is `value` higher at one place (row, column) of its second frame."""
    import av

    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, pix_fmt
        for number in range(3):
            planes = np.full((3, 32, 64), 100, np.uint8)
            if number == 1:
                planes[0][where] += value
            frame = av.VideoFrame.from_ndarray(planes, "yuv444p")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_the_measurement_is_the_largest_change_outside_the_matte(qtbot, tmp_path):
    def matte(number, width, height):
        picture = np.zeros((height, width, 3), np.uint8)
        picture[:, : width // 2] = 255
        return picture

    paths = {
        "original": changed(tmp_path, "o.mov", (0, 0), 0),
        "inside": changed(tmp_path, "i.mov", (5, 5), 50),
        "outside": changed(tmp_path, "u.mov", (5, 40), 7),
        "matte": write_movie(tmp_path / "m.mov", 3, picture=matte, size=(64, 32), pix_fmt="yuv444p"),
    }
    decoder = Decoder(FrameCache(8 << 20))
    decoder.set_sources({name: PlacedSlice(slice_of(path, 3), grey=name == "matte") for name, path in paths.items()})
    numbers = {}
    decoder.measured.connect(lambda question, change: numbers.update({(question.take, question.frame): change}))
    for take, frame in (("inside", 1), ("outside", 1), ("outside", 2)):
        decoder.measure(Measurement("original", take, "matte", frame))
        qtbot.waitUntil(lambda take=take, frame=frame: (take, frame) in numbers, timeout=5000)
    assert (numbers["inside", 1].outside, numbers["inside", 1].anywhere) == (0, 50)
    assert (numbers["outside", 1].outside, numbers["outside", 1].anywhere) == (7, 7)
    assert (numbers["outside", 2].outside, numbers["outside", 2].bits, numbers["outside", 2].exact) == (0, 8, True)
    decoder.close()
