from __future__ import annotations

import json

import pytest

from bridge.wire.messages import Failure, Job
from plugin.cli.job_tables import ago, columns, job_table, plain, shortened, state_text, table


def a_job(**changes: object) -> Job:
    values = {
        "id": "0123456789ab",
        "token": "t",
        "state": "refining",
        "instruction": "add a massive whale behind the divers",
        "source": "/footage/dive.mov",
        "model": "tiny",
        "quality": "draft",
        "seed": 0,
        "takes": 2,
        "output": "/o",
        "created": 0.0,
        "changed": 100.0,
        "events": 9,
        "attempt": 1,
    }
    return Job(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "queued", "position": 1}, "waiting, next"),
        ({"state": "queued", "position": 3}, "waiting, 3."),
        ({"state": "awaiting_approval"}, "plan ready"),
        ({"stage": "segmenting", "step": 1, "steps": 2}, "segmenting, 50 %"),
        (
            {"stage": "refining", "iteration": 2, "iterations": 5, "step": 9, "steps": 45, "seconds_left": 125.0},
            "denoising, pass 2 of 5, 20 %, 2 min 05 s left",
        ),
        ({"state": "done", "stage": "delivering", "step": 1, "steps": 1, "seconds_left": 0.0}, "done"),
        ({"state": "failed"}, "failed"),
    ],
)
def test_states_in_words(changes: dict, words: str):
    assert state_text(a_job(**changes)) == words


def test_a_table_fits_the_terminal_and_keeps_its_columns():
    jobs = [a_job(instruction="加一头巨大的鲸鱼" * 9), a_job(instruction="x" * 300, state="done", takes_done=(1, 2))]
    lines = job_table(jobs, now=160.0, width=90).splitlines()
    assert all(columns(line) <= 90 for line in lines)
    assert lines[0].split() == ["JOB", "STATE", "TAKES", "MODEL", "CHANGED", "WHAT"]
    assert {columns(line[: line.index("tiny")]) for line in lines[1:]} == {lines[0].index("MODEL")}
    assert lines[1].endswith("...") and "2/2" in lines[2] and "1 min 00 s ago" in lines[1]


def test_nothing_in_a_name_moves_the_cursor():
    text = table(["A", "B"], [["x\x1b[2J\ny", "z\r"]], 40)
    assert len(text.splitlines()) == 2 and "\x1b" not in text and "\r" not in text


def test_another_user_s_job_says_so():
    assert "[another user]" in job_table([a_job(mine=False)], now=100.0, width=120)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "now"), (4, "now"), (59, "59 s ago"), (7300, "2 h ago"), (90000, "1 day ago"), (200000, "2 days ago")],
)
def test_how_long_ago(seconds: float, words: str):
    assert ago(seconds) == words


def test_shortened_counts_columns_and_not_characters():
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abc..."
    assert columns(shortened("鲸" * 20, 11)) <= 11


def test_a_script_gets_every_field_each_time():
    failure = Failure(kind="k", what="w", why="", remedy="", exit_code=1)
    shown = json.loads(json.dumps(plain(a_job(state="failed", failure=failure))))
    assert set(shown) == set(Job.__struct_fields__)
    assert shown["failure"]["offers"] == [] and shown["position"] is None and shown["takes_done"] == []
