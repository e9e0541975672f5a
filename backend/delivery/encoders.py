"""Command lines for every delivered file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import ffmpeg

from contract.timecode import timecode
from media.colour import ColourTags
from media.orientation import Orientation
from media.pixels import PixelLayout
from media.probe import MediaInfo

# Sound that QuickTime can hold as it is; anything else becomes PCM.
_QUICKTIME_SOUND = ("aac", "alac", "mp3", "mp2", "ac3", "eac3", "adpcm_ima_qt")
# libx264 is lossless at qp 0 for these; they decode to the same format again.
_X264 = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le")


def composite_codec(form: PixelLayout, width: int, height: int) -> dict[str, str | int]:
    """Encoder options that keep every code value of a working format inside .mov.

    - 8 and 10 bit YCbCr: H.264 at qp 0 (High 4:4:4 Predictive). The only lossless codec that every ffmpeg-based editor
      (Blender, Kdenlive, Shotcut, mpv) decodes with several threads and seeks in quickly; one GOP is half a second.
    - 8 and 16 bit packed RGB: PNG, readable by QuickTime tools too.
    - the rest (9, 12, 14, 16 bit, grey, alpha, odd sizes): FFV1, the one codec that holds them all.
    """
    if form.name in _X264 and width % form.sub_x == 0 and height % form.sub_y == 0:
        return {"c:v": "libx264", "preset": "ultrafast", "qp": 0, "bf": 0, "pix_fmt": form.name}
    if form.packed:
        return {"c:v": "png", "pred": "up", "pix_fmt": form.name.replace("le", "be")}
    return {"c:v": "ffv1", "level": 3, "slicecrc": 1, "g": 1, "pix_fmt": form.name}


def _raw(pix_fmt: str, width: int, height: int, rate: Fraction, **more: object) -> ffmpeg.nodes.FilterableStream:
    options = {"format": "rawvideo", "pix_fmt": pix_fmt, "s": f"{width}x{height}", "framerate": str(rate), **more}
    return ffmpeg.input("pipe:", **options)


def _aspect(info: MediaInfo, upright: bool) -> str:
    aspect = 1 / info.pixel_aspect if upright and info.orientation.sideways else info.pixel_aspect
    return f"{aspect.numerator}/{aspect.denominator}"


def _display(orientation: Orientation) -> dict[str, object]:
    """Options of a raw input: it carries the display matrix, and ffmpeg leaves the pixels as they are."""
    options: dict[str, object] = {}
    if orientation.turns:
        options["display_rotation:v:0"] = 90 * orientation.turns
    if orientation.mirrored:
        options["display_hflip:v:0"] = None
    return {**options, "noautorotate": None} if options else {}


def _timecode(info: MediaInfo, start: int) -> dict[str, str]:
    if info.start_timecode is None:
        return {}
    return {"timecode": timecode(info.start_timecode + start, info.rate, info.drop_frame)}


def _setparams(names: dict[str, str]) -> dict[str, str]:
    keys = {"colorspace": "colorspace", "color_primaries": "color_primaries", "color_trc": "color_trc"}
    found = {keys[key]: value for key, value in names.items() if key in keys}
    if "color_range" in names:
        found["range"] = names["color_range"]
    return found


def composite_command(
    info: MediaInfo, form: PixelLayout, start: int, count: int, target: Path, preview: Path
) -> list[str]:
    """Raw planes in; `target` (.mov) and `preview` (.mp4) out.

    The composite has the clip's own pixel format, tags, aspect, rotation, timecode and sound.
    """
    names = info.colour.ffmpeg_names()
    picture = _raw(form.name, info.coded_width, info.coded_height, info.rate, **_display(info.orientation))
    if names:
        picture = picture.filter("setparams", **_setparams(names))
    if info.pixel_aspect != 1:
        picture = picture.filter("setsar", _aspect(info, False))
    split = picture.filter_multi_output("split")
    codec = composite_codec(form, info.coded_width, info.coded_height)
    if codec["c:v"] == "libx264":
        codec["g"] = max(1, round(info.rate / 2))
    sounds, sound = [], {}
    if info.has_audio:
        offset = sound_offset(info, start)
        received = ffmpeg.input(info.path, ss=f"{float(offset):.9f}", t=f"{float(Fraction(count) / info.rate):.9f}")
        sounds.append(received["a:0"])
        name = info.audio_codec or ""
        sound = {"c:a": "copy" if name in _QUICKTIME_SOUND or name.startswith("pcm_") else "pcm_s24le"}
    # The encoder's own word for identity is not the filter's.
    spoken = {key: value.replace("gbr", "rgb") for key, value in names.items()}
    options = {**codec, **spoken, **_timecode(info, start), **sound}
    whole = ffmpeg.output(split[0], *sounds, str(target), **options)
    return ffmpeg.merge_outputs(whole, _preview(split[1], sounds, info, preview, turned=True)).get_args()


def sound_offset(info: MediaInfo, start: int) -> Fraction:
    """Seconds from the file's first sample of any kind to picture `start`, as ffmpeg's -ss counts."""
    begin = Fraction(start) / info.rate
    if info.times is None or info.container_start is None:
        return begin
    return begin + info.times.start - info.container_start


def exr_command(info: MediaInfo, form: PixelLayout, target: Path, first: int) -> list[str]:
    """Float composites have no lossless codec in .mov: an OpenEXR sequence, full float, zip compressed."""
    picture = _raw(form.name, info.coded_width, info.coded_height, info.rate)
    options = {"c:v": "exr", "format:v": "float", "compression": "zip1", "start_number": first, "f": "image2"}
    return ffmpeg.output(picture, str(target), **options).get_args()


def layer_tags(tags: ColourTags) -> dict[str, str]:
    """Tags for the layer: the clip's own where it has them, BT.709 otherwise; a matrix that ProRes knows."""
    names = {**{"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}, **tags.ffmpeg_names()}
    if names["colorspace"] not in ("bt709", "bt2020nc", "smpte170m"):
        names["colorspace"] = "bt709"
    names["color_range"] = "tv"
    return names


def layer_command(
    info: MediaInfo, pix_fmt: str, start: int, matte: Path, layer: Path | None, master: Path | None
) -> list[str]:
    """Straight RGBA in; matte.mov always, ProRes 4444 and the FFV1 master when their paths are given, one process."""
    width, height = info.upright_width, info.upright_height
    outputs = 1 + (layer is not None) + (master is not None)
    source = _raw(pix_fmt, width, height, info.rate)
    if info.pixel_aspect != 1:
        source = source.filter("setsar", _aspect(info, True))
    parts = iter(
        [source] if outputs == 1 else [source.filter_multi_output("split", outputs)[k] for k in range(outputs)]
    )
    start_code = _timecode(info, start)
    grey = next(parts).filter("extractplanes", "a").filter("scale", in_range="pc", out_range="tv")
    flat = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
    grey = grey.filter("format", "yuv422p10le").filter("setparams", **flat, range="tv")
    prores = {"c:v": "prores_ks", "vendor": "apl0", "qscale:v": 8}
    made = [ffmpeg.output(grey, str(matte), **prores, **{"profile:v": "hq"}, **flat, **start_code)]
    if layer is not None:
        names = layer_tags(info.colour)
        colour = next(parts).filter("scale", out_color_matrix=names["colorspace"].replace("nc", ""), out_range="tv")
        colour = colour.filter("format", "yuva444p10le").filter("setparams", **_setparams(names))
        options = {**prores, "profile:v": 4444, "alpha_bits": 16, **names, **start_code}
        made.append(ffmpeg.output(colour, str(layer), **options))
    if master is not None:
        stored = "bgra" if pix_fmt == "rgba" else pix_fmt
        # Matroska would otherwise carry a random identifier, and the same take would never be the same file.
        options = {"c:v": "ffv1", "level": 3, "slicecrc": 1, "g": 1, "pix_fmt": stored, "fflags": "+bitexact"}
        made.append(ffmpeg.output(next(parts), str(master), **options))
    return ffmpeg.merge_outputs(*made).get_args()


def preview_command(info: MediaInfo, target: Path) -> list[str]:
    """Upright rgb24 pictures in, the preview out: for float composites, which pass through no other encoder."""
    picture = _raw("rgb24", info.upright_width, info.upright_height, info.rate)
    return _preview(picture, [], info, target, turned=False).get_args()


def _preview(
    picture: ffmpeg.nodes.FilterableStream, sounds: list, info: MediaInfo, target: Path, turned: bool
) -> ffmpeg.nodes.OutputStream:
    """H.264 for any browser: square upright pixels, at most 1280 wide, AAC sound."""
    if turned:
        for _ in range(info.orientation.turns):
            picture = picture.filter("transpose", "cclock")
        if info.orientation.mirrored:
            picture = picture.filter("hflip")
    width = max(2, min(1280, info.width) // 2 * 2)
    height = max(2, round(width * info.height / info.width / 2) * 2)
    known = {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709"}
    if info.colour.matrix != 0 and info.colour.transfer != 8:
        known.update(info.colour.ffmpeg_names())
    known["color_range"] = "tv"
    matrix = known["colorspace"].replace("2020nc", "2020").replace("2020c", "2020")
    picture = picture.filter("scale", width, height, flags="bicubic", out_color_matrix=matrix, out_range="tv")
    picture = picture.filter("setsar", 1).filter("format", "yuv420p").filter("setparams", **_setparams(known))
    options = {"c:v": "libx264", "preset": "superfast", "crf": 20, "movflags": "+faststart", **known}
    sound = {"c:a": "aac", "b:a": "192k"} if sounds else {}
    return ffmpeg.output(picture, *sounds, str(target), **options, **sound)
