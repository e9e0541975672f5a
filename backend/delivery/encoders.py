"""Command lines for every delivered file."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import ffmpeg

from contract.timecode import timecode
from media.colour import ColourTags
from media.fields import FieldOrder
from media.orientation import Orientation
from media.pixels import PixelLayout, layout
from media.probe import MediaInfo

# Sound that QuickTime can hold as it is; anything else becomes PCM.
_QUICKTIME_SOUND = ("aac", "alac", "mp3", "mp2", "ac3", "eac3", "adpcm_ima_qt")
# libx264 is lossless at qp 0 for these; they decode to the same format again.
_X264_PRIMARIES = 12  # the greatest that libx264 writes
_X264 = ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le")


_BT709 = {"colorspace": 1, "color_primaries": 1, "color_trc": 1}
# Matrices that ProRes knows, by the names of the filter that converts to them.
_LAYER_MATRICES = {1: "bt709", 6: "smpte170m", 9: "bt2020"}
# Matrix coefficients -> those of the filter that converts pictures, which knows one of each pair of equal ones.
_SCALED_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


def composite_codec(info: MediaInfo) -> dict[str, str | int]:
    """Encoder options that keep every code value of a working format inside .mov.

    - 8 and 10 bit YCbCr: H.264 at qp 0 (High 4:4:4 Predictive). The only lossless codec that every ffmpeg-based editor
      (Blender, Kdenlive, Shotcut, mpv) decodes with several threads and seeks in quickly; one GOP is half a second.
    - 8 and 16 bit packed RGB: PNG, readable by QuickTime tools too.
    - the rest (9, 12, 14, 16 bit, grey, alpha, odd sizes): FFV1, the one codec that holds them all.
    """
    form = layout(info.working_format)
    if form.packed:
        return {"c:v": "png", "pred": "up", "pix_fmt": form.name.replace("le", "be")}
    if not _fits_x264(info, form):
        return {"c:v": "ffv1", "level": 3, "slicecrc": 1, "g": 1, "pix_fmt": form.name}
    codec: dict[str, str | int] = {"c:v": "libx264", "preset": "ultrafast", "qp": 0, "bf": 0, "pix_fmt": form.name}
    if info.field_order != "progressive":
        # Whole pictures that are marked as two fields: coding by fields is not lossless in every format.
        codec["x264-params"] = f"fake-interlaced=1:{info.field_order}=1"
    if info.colour.primaries > _X264_PRIMARIES:
        codec["bsf:v"] = f"h264_metadata=colour_primaries={info.colour.primaries}"
    elif info.colour.options() == {"color_range": 1}:
        # libx264 leaves out a limited range that stands alone.
        codec["bsf:v"] = "h264_metadata=video_full_range_flag=0"
    return codec


def _fits_x264(info: MediaInfo, form: PixelLayout) -> bool:
    """Sizes must be whole chroma samples, in each field too; H.264 in 4:4:4 with matrix 0 would be read as RGB."""
    rows = form.sub_y if info.field_order == "progressive" else 2 * form.sub_y
    whole = info.coded_width % form.sub_x == 0 and info.coded_height % rows == 0
    return form.name in _X264 and whole and info.colour.matrix != 0


def _raw(pix_fmt: str, width: int, height: int, rate: Fraction, **more: object) -> ffmpeg.nodes.FilterableStream:
    options = {"format": "rawvideo", "pix_fmt": pix_fmt, "s": f"{width}x{height}", "framerate": str(rate), **more}
    return ffmpeg.input("pipe:", **options)


def _with_aspect(picture: ffmpeg.nodes.FilterableStream, aspect: Fraction) -> ffmpeg.nodes.FilterableStream:
    """Pictures with this pixel aspect, exactly: the filter would round it to a denominator of 100."""
    if aspect == 1:
        return picture
    return picture.filter(
        "setsar", f"{aspect.numerator}/{aspect.denominator}", max=max(aspect.numerator, aspect.denominator)
    )


def _display(orientation: Orientation) -> dict[str, object]:
    """Options of a raw input: it carries the display matrix, and ffmpeg leaves the pixels as they are."""
    options: dict[str, object] = {}
    if angle := 90 * orientation.turns + orientation.tilt:
        options["display_rotation:v:0"] = angle
    if orientation.mirrored:
        options["display_hflip:v:0"] = None
    return {**options, "noautorotate": None} if options else {}


def _timecode(info: MediaInfo, start: int) -> dict[str, str]:
    if info.start_timecode is None:
        return {}
    return {"timecode": timecode(info.start_timecode + start, info.rate, info.drop_frame)}


def _tagged(
    picture: ffmpeg.nodes.FilterableStream, tags: dict[str, int], fields: FieldOrder = "progressive"
) -> ffmpeg.nodes.FilterableStream:
    """Pictures that carry colour tags (encoder options) and their field order."""
    found: dict[str, int | str] = {key.replace("color_range", "range"): value for key, value in tags.items()}
    if fields != "progressive":
        found["field_mode"] = fields
    return picture.filter("setparams", **found) if found else picture


def composite_command(info: MediaInfo, start: int, count: int, target: Path, preview: Path) -> list[str]:
    """Raw planes in; `target` (.mov) and `preview` (.mp4) out.

    The composite has the clip's own pixel format, tags, field order, aspect, orientation, timecode and sound.
    """
    tags = info.colour.options()
    raw = _raw(info.working_format, info.coded_width, info.coded_height, info.rate, **_display(info.orientation))
    split = raw.filter_multi_output("split")
    picture = _with_aspect(_tagged(split[0], tags, info.field_order), info.pixel_aspect)
    codec = composite_codec(info)
    if codec["c:v"] == "libx264":
        codec["g"] = max(1, round(info.rate / 2))
    sounds, sound = [], {}
    if info.has_audio:
        offset = sound_offset(info, start)
        received = ffmpeg.input(info.path, ss=f"{float(offset):.9f}", t=f"{float(Fraction(count) / info.rate):.9f}")
        sounds.append(received["a:0"])
        name = info.audio_codec or ""
        sound = {"c:a": "copy" if name in _QUICKTIME_SOUND or name.startswith("pcm_") else "pcm_s24le"}
    # Where one of the three colour tags is absent, QuickTime would get none of them.
    partly = {"movflags": "+write_colr"} if tags.keys() & {"colorspace", "color_primaries", "color_trc"} else {}
    options = {**codec, **tags, **partly, **_timecode(info, start), **sound}
    whole = ffmpeg.output(picture, *sounds, str(target), **options)
    return ffmpeg.merge_outputs(whole, _preview(split[1], sounds, info, preview, turned=True)).get_args()


def sound_offset(info: MediaInfo, start: int) -> Fraction:
    """Seconds from the file's first sample of any kind to picture `start`, as ffmpeg's -ss counts."""
    begin = Fraction(start) / info.rate
    if info.times is None or info.container_start is None:
        return begin
    return begin + info.times.start - info.container_start


def exr_command(info: MediaInfo, target: Path, first: int) -> list[str]:
    """Float composites have no lossless codec in .mov: upright planes in, an OpenEXR sequence out, in full float.

    `target` is the folder and the name with a printf number.
    """
    width, height = info.upright_width, info.upright_height
    picture = _with_aspect(_raw(info.working_format, width, height, info.rate), _upright_aspect(info))
    options = {"c:v": "exr", "format:v": "float", "compression": "zip1", "start_number": first, "f": "image2"}
    numbered = str(target.parent).replace("%", "%%") + os.sep + target.name
    return ffmpeg.output(picture, numbered, **options).get_args()


def _upright_aspect(info: MediaInfo) -> Fraction:
    return 1 / info.pixel_aspect if info.orientation.sideways else info.pixel_aspect


def layer_tags(tags: ColourTags) -> dict[str, int]:
    """Tags for the layer: the clip's own where it has them, BT.709 otherwise; a matrix that ProRes knows."""
    found = {**_BT709, **tags.options(), "color_range": 1}
    return found if found["colorspace"] in _LAYER_MATRICES else {**found, "colorspace": 1}


def layer_command(
    info: MediaInfo, pix_fmt: str, start: int, matte: Path, layer: Path | None, master: Path | None
) -> list[str]:
    """Straight RGBA in; matte.mov always, ProRes 4444 and the FFV1 master when their paths are given, one process."""
    width, height = info.upright_width, info.upright_height
    outputs = 1 + (layer is not None) + (master is not None)
    source = _with_aspect(_tagged(_raw(pix_fmt, width, height, info.rate), {}, info.field_order), _upright_aspect(info))
    parts = iter(
        [source] if outputs == 1 else [source.filter_multi_output("split", outputs)[k] for k in range(outputs)]
    )
    start_code = _timecode(info, start)
    grey = next(parts).filter("extractplanes", "a").filter("scale", in_range="pc", out_range="tv")
    grey = _tagged(grey.filter("format", "yuv422p10le"), {**_BT709, "color_range": 1})
    prores = {"c:v": "prores_ks", "vendor": "apl0", "qscale:v": 8}
    if info.field_order != "progressive":
        prores["flags"] = "+ildct"
    made = [ffmpeg.output(grey, str(matte), **prores, **{"profile:v": "hq"}, **_BT709, **start_code)]
    if layer is not None:
        tags = layer_tags(info.colour)
        colour = next(parts).filter("scale", out_color_matrix=_LAYER_MATRICES[tags["colorspace"]], out_range="tv")
        colour = _tagged(colour.filter("format", "yuva444p10le"), tags)
        options = {**prores, "profile:v": 4444, "alpha_bits": 16, **tags, **start_code}
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
    tags = {**_BT709, **(info.colour.options() if info.colour.matrix != 0 and info.colour.transfer != 8 else {})}
    tags = {**tags, "colorspace": _SCALED_MATRIX.get(tags["colorspace"], 1), "color_range": 1}
    family, read = layout(info.working_format).family, {}
    if turned and family != "rgb":
        read["in_range"] = 2 if info.colour.full_range else 1
    if turned and family == "yuv":
        read["in_color_matrix"] = _SCALED_MATRIX[info.colour.used_matrix]
    picture = picture.filter(
        "scale", width, height, flags="bicubic", **read, out_color_matrix=tags["colorspace"], out_range="tv"
    )
    picture = _tagged(picture.filter("setsar", 1).filter("format", "yuv420p"), tags)
    options = {"c:v": "libx264", "preset": "superfast", "crf": 20, "movflags": "+faststart", **tags}
    sound = {"c:a": "aac", "b:a": "192k"} if sounds else {}
    return ffmpeg.output(picture, *sounds, str(target), **options, **sound)
