from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from contract.errors import BadUsage
from plugin.cli.arguments import parse


def test_everything_has_a_default():
    options = parse(["add", "shot.mp4", "add a red balloon"])
    assert (options.source, options.instruction, options.model) == ("shot.mp4", "add a red balloon", None)
    assert (options.takes, options.seed, options.quality, options.layer) == (1, 0, "standard", "prores4444")
    assert (options.clip, options.part, options.output, options.scope, options.assistant) == (None,) * 5
    assert not (options.plan_only or options.json or options.verbose or options.download)


def test_every_option():
    options = parse(
        "add a.otio grow --clip 2 --range 4-12 --model org/name --takes 3 --seed 7 --quality draft --scope full_frame "
        "--assistant openai:x --plan p.json --plan-only --layer png --output out --json --rate 23.976 --media m "
        "--media n --segmenter motion --download --verbose".split()
    )
    assert (options.part, options.takes, options.seed, options.rate) == ((4, 12), 3, 7, Fraction(24000, 1001))
    assert (options.output, options.plan, options.media) == (Path("out"), Path("p.json"), [Path("m"), Path("n")])


def test_limits():
    options = parse("refine takes/01 larger --region 0,.25,0.5,1 --levels 679,439 --mask m.png --mask-frame 7".split())
    assert (options.region, options.levels) == ((0.0, 0.25, 0.5, 1.0), (679, 439))
    assert (options.mask, options.mask_frame) == (Path("m.png"), 7)
    assert parse(["add", "a", "b", "--region", "0.5,0,1,1"]).region == (0.5, 0.0, 1.0, 1.0)
    assert parse(["add", "a", "b", "--negative", "text, watermark"]).negative == "text, watermark"
    plain = parse(["refine", "takes/01", "larger"])
    assert plain.negative == ""
    assert (plain.region, plain.levels, plain.mask, plain.mask_frame) == (None, None, None, 0)


KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
"""The example key of CURVE's specification."""


@pytest.mark.parametrize(("text", "rate"), [("25", 25), ("24000/1001", Fraction(24000, 1001)), ("12.5", 12.5)])
def test_rates(text: str, rate: object):
    assert parse(["add", "a", "b", "--rate", text]).rate == rate


def test_a_service_is_named_by_options_or_by_the_environment(monkeypatch: pytest.MonkeyPatch):
    options = parse(["jobs", "--backend", "box:47800", "--backend-key", KEY])
    assert (options.backend, options.backend_key) == ("tcp://box:47800", KEY)
    assert parse(["jobs"]).backend is None
    monkeypatch.setenv("DYNVFX_BACKEND", "tcp://[::1]:47800")
    with pytest.raises(BadUsage, match="--backend-key is missing"):
        parse(["add", "a", "b"])
    monkeypatch.setenv("DYNVFX_BACKEND_KEY", KEY)
    assert parse(["add", "a", "b"]).backend == "tcp://[::1]:47800"
    assert parse(["add", "a", "b", "--backend", "box:1"]).backend == "tcp://box:1"
    assert parse(["add", "a", "b", "--in-process"]).backend is None
    monkeypatch.setenv("DYNVFX_BACKEND_KEY", "short")
    with pytest.raises(BadUsage, match="DYNVFX_BACKEND_KEY"):
        parse(["add", "a", "b"])


def test_jobs_are_named_by_their_beginning():
    assert parse(["watch", " 0AbC "]).job == "0abc"
    assert parse(["takes"]).job is None
    assert parse(["retry", "12", "--small"]).small


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["add"],
        ["add", "a.mp4"],
        ["add", "", "x"],
        ["add", "a.mp4", "x", "y"],
        ["add", "a\udc80.mp4", "x"],
        ["add", "a\0.mp4", "x"],
        ["add", "a.mp4", "x", "--range", "5"],
        ["add", "a.mp4", "x", "--range", "9-5"],
        ["add", "a.mp4", "x", "--range", "-1-5"],
        ["add", "a.mp4", "x", "--takes", "0"],
        ["add", "a.mp4", "x", "--takes", "many"],
        ["add", "a.mp4", "x", "--seed", "-1"],
        ["add", "a.mp4", "x", "--quality", "best"],
        ["add", "a.mp4", "x", "--assistant", "gemini"],
        ["add", "a.mp4", "x", "--rate", "0"],
        ["add", "a.mp4", "x", "--rate", "1/0"],
        ["add", "a.mp4", "x", "--layer", "gif"],
        ["add", "a.mp4", "x", "--plan-onl"],
        ["refine", "takes/01", "x", "--model", "tiny"],
        ["demo", "--seed", "1"],
        ["add", "a.mp4", "x", "--region", "0,0,1"],
        ["add", "a.mp4", "x", "--region", "left"],
        ["add", "a.mp4", "x", "--region", "0,0,nan,1"],
        ["add", "a.mp4", "x", "--region", "0.5,0,0.5,1"],
        ["add", "a.mp4", "x", "--region", "0,0,1.1,1"],
        ["add", "a.mp4", "x", "--region=-0.1,0,1,1"],
        ["add", "a.mp4", "x", "--levels", "679"],
        ["add", "a.mp4", "x", "--mask", "m.png"],
        ["refine", "takes/01", "x", "--levels", "439,679"],
        ["refine", "takes/01", "x", "--levels", "0"],
        ["refine", "takes/01", "x", "--levels", "679,"],
        ["refine", "takes/01", "x", "--levels", "high"],
        ["refine", "takes/01", "x", "--mask-frame", "-1"],
        ["add", "a.mp4", "x", "--backend", "tcp://box:47800"],
        ["add", "a.mp4", "x", "--backend", "box", "--backend-key", KEY],
        ["add", "a.mp4", "x", "--backend", "box:99999", "--backend-key", KEY],
        ["add", "a.mp4", "x", "--backend", "box:1", "--backend-key", "short"],
        ["add", "a.mp4", "x", "--backend", "box:1", "--backend-key", KEY, "--in-process"],
        ["jobs", "--in-process"],
        ["watch"],
        ["watch", "../x"],
        ["cancel", "0123456789abc"],
        ["retry", "12", "--large"],
        ["keys"],
        ["keys", "authorize", "no key"],
        ["keys", "show", "me"],
        ["logs", "--output", ""],
    ],
)
def test_bad_usage_says_where_help_is(arguments: list[str]):
    with pytest.raises(BadUsage) as caught:
        parse(arguments)
    assert "--help" in caught.value.remedy


def test_version(capsys: pytest.CaptureFixture):
    with pytest.raises(SystemExit) as ended:
        parse(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("dynvfx 0.")
