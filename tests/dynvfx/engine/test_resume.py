"""A take that is stopped anywhere, even by SIGKILL, continues and ends with the same bytes."""

from __future__ import annotations

import functools
import multiprocessing
import os
import random
import signal
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from dynvfx.edits.add import generate
from dynvfx.progress.events import Outcome, Preview, Progress
from dynvfx.sampling.inversion import choose_recipe
from dynvfx.state.keys import clip_digest, keys_of, pack, unpack
from dynvfx.state.store import DirectoryStore
from tests.dynvfx.doubles import ScriptedSegmenter, SmallBackbone, box, clip, request
from tests.dynvfx.memory_store import MemoryStore


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Sums depend on the number of threads, and a forked child has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


SOURCE = clip()
WANTED = request(SOURCE, retries=1)


def finds_whale(frames, phrase, absent):
    """The diver is at the left of every clip, the whale at the right of every clip but those in `absent`."""
    if phrase == "diver":
        return box(frames, 0, 4, 8, 16)
    return box(frames, 0, 0, 0, 0) if clip_digest(frames) in absent else box(frames, 12, 0, 24, 12)


@functools.cache
def first_attempt():
    """Digest of the frames of the first attempt, so that the script can reject them wherever a run continues."""
    seen = []

    def answer(frames, phrase, call):
        seen.append(clip_digest(frames))
        return finds_whale(frames, phrase, {clip_digest(SOURCE)})

    events = generate(WANTED, SOURCE, SmallBackbone(), ScriptedSegmenter(answer), MemoryStore())
    while not (isinstance(event := next(events), Preview) and event.kind == "mask"):
        pass
    return next(digest for digest in seen if digest != clip_digest(SOURCE))


def segmenter():
    """Answers by content alone, as a resumed run needs: the first attempt looks empty, the second one does not."""
    absent = {clip_digest(SOURCE), first_attempt()}
    return ScriptedSegmenter(lambda frames, phrase, call: finds_whale(frames, phrase, absent))


def take(store, backbone=None, preview_every=3):
    return generate(WANTED, SOURCE, backbone or SmallBackbone(), segmenter(), store, preview_every=preview_every)


def same(a, b):
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("frames", "mask", "source_mask", "latents"))


@pytest.fixture(scope="module")
def whole():
    """Events of an undisturbed take."""
    return list(take(MemoryStore()))


def test_closing_at_any_event_loses_no_forward_and_no_byte(whole):
    expected = whole[-1]
    total = sum(expected.forwards.values())
    for position in random.Random(1).sample(range(len(whole) - 1), 5):
        store, before, after = MemoryStore(), SmallBackbone(), SmallBackbone()
        events = take(store, before)
        for _ in range(position + 1):
            next(events)
        events.close()
        outcome = list(take(store, after))[-1]
        assert same(outcome, expected), position
        assert len(before.calls) + len(after.calls) == total, position
        assert sum(outcome.forwards.values()) == len(after.calls)


def test_a_process_that_dies_after_every_single_step_still_arrives(whole):
    store, deaths = MemoryStore(), 0
    while True:
        events = take(store, preview_every=0)
        for event in events:
            if isinstance(event, Outcome) or (isinstance(event, Progress) and event.stage in ("inverting", "refining")):
                break
        events.close()
        if isinstance(event, Outcome):
            break
        deaths += 1
    assert same(event, whole[-1])
    assert deaths == 6 + 9 + 9 + 5


def test_a_finished_take_is_found_again_without_a_forward(whole):
    store = MemoryStore()
    list(take(store))
    again = list(take(store))[-1]
    assert same(again, whole[-1])
    assert again.forwards == {}


def test_a_damaged_trajectory_is_made_again(tmp_path, whole):
    store = DirectoryStore(tmp_path)
    events = take(store)
    for event in events:
        if isinstance(event, Progress) and event.stage == "refining":
            break
    events.close()
    path = next(tmp_path.glob("trajectory-*.799.safetensors"))
    path.write_bytes(path.read_bytes()[:-9])
    outcome = list(take(store))[-1]
    assert same(outcome, whole[-1])
    assert outcome.forwards["inverting"] == 6


def test_discarding_a_take_keeps_what_the_clip_shares(whole):
    store, backbone = MemoryStore(), SmallBackbone()
    list(take(store))
    recipe = choose_recipe(WANTED, backbone)
    keys = keys_of(WANTED, clip_digest(SOURCE), backbone, segmenter().name, recipe)
    for key in (keys.running, *keys.iterations):
        store.discard(key)
    outcome = list(take(store))[-1]
    assert same(outcome, whole[-1])
    assert set(outcome.forwards) == {"refining"}


def test_the_store_stays_lean():
    store, most = MemoryStore(), 0
    for _ in take(store):
        most = max(most, len(store._states))
    kinds = [key.partition("-")[0] for key in store._states]
    assert sorted(kinds) == sorted(["masks", "clip", *["text"] * 3, *["trajectory"] * 3, *["iteration"] * 2])
    assert most <= len(kinds) + 1


def test_masks_survive_packing():
    mask = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0)) < 0.5
    assert torch.equal(unpack(pack(mask), mask.shape), mask)
    assert pack(mask).numel() == 14


def work(folder, result, pipe):
    """In the child: run the take, one byte for every event, the outcome into a file."""
    torch.set_num_threads(1)
    for event in take(DirectoryStore(folder)):
        os.write(pipe, b".")
        if isinstance(event, Outcome):
            part = result.with_suffix(".part")
            save_file({name: getattr(event, name) for name in ("frames", "mask", "source_mask", "latents")}, part)
            part.rename(result)


@pytest.mark.skipif(sys.platform != "linux", reason="forks the test process and sends SIGKILL")
def test_sigkill_at_random_moments(tmp_path, whole):
    chance, context = random.Random(2), multiprocessing.get_context("fork")
    kills, result = 0, tmp_path / "outcome.safetensors"
    while not result.exists():
        reader, writer = os.pipe()
        child = context.Process(target=work, args=(tmp_path / "states", result, writer))
        child.start()
        os.close(writer)
        # Wait for some events, then kill while the child is somewhere inside the next step or write.
        for _ in range(chance.randint(9, 20)):
            if not os.read(reader, 1):
                break
        if child.is_alive() and not result.exists():
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.join()
        assert child.exitcode in (0, -signal.SIGKILL)
        os.close(reader)
        assert kills < 40
    outcome = load_file(result)
    assert kills >= 2
    for name, tensor in outcome.items():
        assert torch.equal(tensor, getattr(whole[-1], name)), name
