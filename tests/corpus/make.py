"""python -m tests.corpus.make DIR: a few hundred small clips across containers, codecs, rates, tags and damage."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

from backend.delivery.ffmpeg import ffmpeg_program
from tests.media.clips import numbered

SIZE, COUNT = (160, 96), 24
# Codec and its options, and the containers that hold it.
_CODECS: dict[str, tuple[str, str]] = {
    "h264": (
        "libx264 -preset ultrafast -bf 2 -g 8 -pix_fmt yuv420p",
        "mp4 mov mkv avi ts mts flv mxf h264 3gp",
    ),
    "h264-intra": (
        "libx264 -preset ultrafast -g 1 -pix_fmt yuv422p10le",
        "mp4 mov mkv ts",
    ),
    "h264-444": (
        "libx264 -preset ultrafast -pix_fmt yuv444p -bf 0",
        "mp4 mkv avi",
    ),
    "h264-open": (
        "libx264 -x264-params open-gop=1:keyint=8:bframes=3:scenecut=0 -pix_fmt yuv420p",
        "mp4 mkv ts avi",
    ),
    "hevc": (
        "libx265 -preset ultrafast -x265-params log-level=none:keyint=8 -pix_fmt yuv420p10le",
        "mp4 mov mkv ts hevc",
    ),
    "av1": (
        "libsvtav1 -preset 12 -crf 15 -g 8 -pix_fmt yuv420p",
        "mp4 mkv webm",
    ),
    "vp8": (
        "libvpx -b:v 1M -auto-alt-ref 1 -lag-in-frames 10",
        "webm mkv",
    ),
    "vp9": (
        "libvpx-vp9 -cpu-used 8 -pix_fmt yuv420p",
        "webm mkv mp4",
    ),
    "prores": (
        "prores_ks -profile:v hq -pix_fmt yuv422p10le",
        "mov mkv mxf",
    ),
    "prores4444": (
        "prores_ks -profile:v 4444 -pix_fmt yuva444p10le",
        "mov mkv",
    ),
    "dnxhr": (
        "dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p",
        "mov mxf mkv",
    ),
    "cineform": (
        "cfhd -pix_fmt yuv422p10le",
        "mov mkv avi",
    ),
    "mpeg2": (
        "mpeg2video -q:v 3 -bf 2 -g 8",
        "mpg ts m2v mkv mxf avi vob",
    ),
    "mpeg1": (
        "mpeg1video -q:v 3 -bf 2",
        "mpg mkv",
    ),
    "mpeg4": (
        "mpeg4 -q:v 3 -bf 2 -g 8",
        "mp4 avi mkv mov",
    ),
    "h263": (
        "h263 -s 176x144",
        "3gp mov",
    ),
    "mjpeg": (
        "mjpeg -q:v 3",
        "avi mov mkv",
    ),
    "jpeg2000": (
        "jpeg2000",
        "mov mkv mxf",
    ),
    "ffv1": (
        "ffv1 -level 3 -pix_fmt yuv422p10le",
        "mkv mov avi",
    ),
    "huffyuv": (
        "huffyuv",
        "avi mkv",
    ),
    "utvideo": (
        "utvideo -pix_fmt yuv422p",
        "avi mkv",
    ),
    "png": (
        "png",
        "mov mkv",
    ),
    "qtrle": (
        "qtrle",
        "mov",
    ),
    "raw": (
        "rawvideo -pix_fmt uyvy422",
        "mov avi nut",
    ),
    "v210": (
        "v210",
        "mov mkv avi",
    ),
    "dv": (
        "dvvideo -s 720x576 -pix_fmt yuv420p",
        "dv avi mov",
    ),
    "wmv2": (
        "wmv2 -q:v 3",
        "wmv avi",
    ),
    "theora": (
        "libtheora -q:v 8",
        "ogv mkv",
    ),
    "gif": (
        "gif",
        "gif",
    ),
    "flv1": (
        "flv -q:v 3",
        "flv",
    ),
}
_H264 = _CODECS["h264"][0].split()
_RATES = ("24000/1001", "24", "30000/1001", "30", "48", "50", "60000/1001", "60", "120", "12", "15", "10")
# Colour primaries, transfer function and matrix as ITU-T H.273 numbers.
_TAGS = ("1 1 1", "5 5 5", "6 6 6", "9 16 9", "9 18 9", "9 14 10", "1 4 1", "12 1 1", "2 2 2", "22 12 5")
_PICTURES = ("png", "jpg", "tif", "dpx", "exr", "tga", "bmp", "webp", "jp2", "sgi")


def main(folder: Path) -> None:
    """Make everything that this machine's ffmpeg can write."""
    folder.mkdir(parents=True, exist_ok=True)
    for codec, (options, containers) in _CODECS.items():
        for container in containers.split():
            _encode(folder / "codecs" / f"{codec}.{container}", ["-c:v", *options.split()], "25")
    for rate, container in itertools.product(_RATES, ("mp4", "mkv", "avi", "ts")):
        name = rate.replace("/", "-")
        _encode(folder / "rates" / f"{name}.{container}", ["-c:v", *_H264], rate)
    for number, (primaries, transfer, matrix) in enumerate(tags.split() for tags in _TAGS):
        tags = ["-color_primaries", primaries, "-color_trc", transfer, "-colorspace", matrix]
        for container in ("mov", "mkv"):
            _encode(folder / "tags" / f"{number}.{container}", ["-c:v", *_H264, *tags], "25")
    for suffix in _PICTURES:
        _encode(folder / "pictures" / suffix / f"shot.%04d.{suffix}", ["-start_number", "1001"], "25", count=5)
    _turned(folder)
    _timed(folder)
    _damaged(folder)


def _encode(path: Path, options: list[str], rate: str, count: int = COUNT) -> bool:
    """Numbered pictures; False when this ffmpeg cannot write them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [ffmpeg_program(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", "x".join(map(str, SIZE))]
    pictures = b"".join(numbered(number, *SIZE).tobytes() for number in range(count))
    done = subprocess.run([*command, "-r", rate, "-i", "-", *options, str(path)], input=pictures, capture_output=True)
    if done.returncode:
        path.unlink(missing_ok=True)
    return not done.returncode


def _convert(source: Path, target: Path, before: list[str], after: list[str]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [ffmpeg_program(), "-v", "error", "-y", *before, "-i", str(source), "-c", "copy", *after, str(target)]
    if subprocess.run(command, capture_output=True).returncode:
        target.unlink(missing_ok=True)


def _turned(folder: Path) -> None:
    source = folder / "codecs" / "h264.mp4"
    for turn, flip in itertools.product((0, 90, 180, 270), ("", "-display_hflip", "-display_vflip")):
        name = f"{turn}{flip}.mp4"
        _convert(source, folder / "turned" / name, ["-display_rotation", str(turn), *([flip] if flip else [])], [])


def _timed(folder: Path) -> None:
    """Times that are wrong, uneven or missing."""
    for codec, container in (("h264", "mp4"), ("hevc", "mp4"), ("mpeg2", "mkv"), ("mpeg4", "mkv")):
        source = folder / "codecs" / f"{codec}.{container}"
        for name, change in {
            "decoding-times": "setts=pts=DTS",
            "jitter": "setts=pts=PTS+mod(N*7\\,3)*PREV_OUTDURATION*0.05",
            "late": "setts=ts=TS+1000000",
            "long-last": f"setts=duration='if(eq(N,{COUNT - 1}),DURATION*60,DURATION)'",
        }.items():
            for target in ("mp4", "mkv", "mov"):
                _convert(source, folder / "times" / f"{codec}-{name}.{target}", [], ["-bsf:v", change])
    for rate, container in itertools.product(("25", "30", "30000/1001"), ("avi", "mp4", "mkv", "ts", "gif")):
        drops = ["-vf", "select='not(eq(n,5)+eq(n,12)+eq(n,13))'", "-fps_mode", "vfr"]
        codec = [] if container == "gif" else ["-c:v", "mjpeg" if container == "avi" else "libx264"]
        name = f"dropped-{rate.replace('/', '-')}.{container}"
        _encode(
            folder / "times" / name, [*drops, *codec, "-pix_fmt", "yuvj420p" if container == "avi" else "yuv420p"], rate
        )
    part = folder / "codecs" / "h264.ts"
    if part.exists():
        (folder / "times" / "joined.ts").write_bytes(part.read_bytes() * 2)


def _damaged(folder: Path) -> None:
    """Cut off, holes in the middle, and a first half that is missing."""
    target = folder / "damaged"
    target.mkdir(exist_ok=True)
    for path in sorted((folder / "codecs").iterdir()):
        data = path.read_bytes()
        half = len(data) // 2
        if path.stem in ("h264", "hevc", "mpeg2", "prores", "mjpeg", "ffv1", "png", "vp9"):
            (target / f"cut-{path.name}").write_bytes(data[:half])
            (target / f"hole-{path.name}").write_bytes(data[:half] + bytes(300) + data[half + 300 :])
        if path.suffix in (".ts", ".mts", ".mpg", ".m2v", ".h264"):
            (target / f"headless-{path.name}").write_bytes(data[half // 188 * 188 :])
    (target / "empty.mp4").write_bytes(b"")
    (target / "text.mov").write_text("no movie")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
