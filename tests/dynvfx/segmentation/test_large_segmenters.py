import numpy as np
import pytest
import torch

from contract.errors import BadRequest
from dynvfx.errors import ModelUnavailable
from dynvfx.segmentation.base import MOVING_FOREGROUND
from dynvfx.segmentation.grounded_sam2 import key_frames
from dynvfx.segmentation.grounding import Found
from dynvfx.segmentation.loading import open_segmenter
from tests.dynvfx.segmentation.tiny_checkpoints import save_grounded_sam2, save_sam3

FRAMES = torch.randint(0, 256, (6, 40, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
SHORT = FRAMES[:3]


@pytest.fixture(scope="module")
def sam3_folder(tmp_path_factory):
    return save_sam3(tmp_path_factory.mktemp("sam3"))


@pytest.fixture(scope="module")
def grounded_folder(tmp_path_factory):
    return save_grounded_sam2(tmp_path_factory.mktemp("grounded"))


@pytest.fixture
def sam3(sam3_folder):
    return open_segmenter(str(sam3_folder), "cpu")


@pytest.fixture
def grounded(grounded_folder):
    return open_segmenter(str(grounded_folder), "cpu")


def count_forwards(module):
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


def check(masks, phrases, frames=FRAMES):
    assert masks.shape == (phrases, *frames.shape[:3])
    assert masks.dtype == torch.float32
    assert set(masks.unique().tolist()) <= {0.0, 1.0}


def test_sam3_end_to_end(sam3):
    masks = sam3.segment(SHORT, ["dog", "red ball", "dog"])
    check(masks, 3, SHORT)
    assert masks.any()
    assert torch.equal(masks[0], masks[2])


def test_sam3_looks_at_each_frame_once_for_all_phrases(sam3):
    looks = count_forwards(sam3.named.model.detector_model.vision_encoder)
    found = list(sam3.named._tracked(SHORT, ["dog", "red ball", "street"], reverse=False))
    assert {phrase for _, phrase, _, _ in found} >= {"dog", "red ball"}
    assert len(looks) == len(SHORT)


def test_sam3_follows_back_what_comes_into_view_later(sam3, monkeypatch):
    looks = count_forwards(sam3.named.model.detector_model.vision_encoder)
    passes = []

    def found(frames, phrases, reverse):
        passes.append(reverse)
        yield (1 if reverse else 3), phrases[0], torch.ones(frames.shape[1:3]), 7

    monkeypatch.setattr(sam3.named, "_tracked", found)
    masks = sam3.segment(FRAMES, ["dog"])
    assert passes == [False, True] and not looks
    assert masks[0].amax(dim=(1, 2)).tolist() == [0, 1, 0, 1, 0, 0]


def test_sam3_can_track_backwards(sam3):
    found = list(sam3.named._tracked(SHORT, ["dog"], reverse=True))
    assert [index for index, *_ in found] == sorted((index for index, *_ in found), reverse=True)
    assert {index for index, *_ in found} == {0, 1, 2}


def test_sam3_says_absent(sam3):
    sam3.named.model.score_threshold_detection = 1.0
    looks = count_forwards(sam3.named.model.detector_model.vision_encoder)
    masks = sam3.segment(FRAMES, ["dog", "red ball"])
    check(masks, 2)
    assert not masks.any()
    assert len(looks) == len(FRAMES)


def test_sam3_waits_less_in_a_short_clip(sam3):
    sam3.named.model.score_threshold_detection = 1.0
    sam3.segment(FRAMES, ["dog"])
    assert sam3.named.model.hotstart_delay == 1
    assert sam3.named.model.hotstart_unmatch_thresh <= 1


def test_grounded_sam2_end_to_end(grounded):
    grounded.named.finder.threshold = 0.0
    looks = count_forwards(grounded.named.predictor.image_encoder)
    glances = count_forwards(grounded.named.finder.model)
    masks = grounded.segment(FRAMES, ["dog", "a red ball", "street"])
    check(masks, 3)
    assert len(looks) == len(FRAMES)
    assert len(glances) == len(key_frames(len(FRAMES)))


def test_grounded_sam2_says_absent(grounded):
    grounded.named.finder.threshold = 1.0
    looks = count_forwards(grounded.named.predictor.image_encoder)
    masks = grounded.segment(FRAMES, ["dog", "street"])
    check(masks, 2)
    assert not masks.any()
    assert not looks


def test_boxes_become_masks_in_every_frame(grounded, monkeypatch):
    """One object each for two phrases, seen by the detector in the middle of the clip."""
    boxes = [Found(1, 3, (8.0, 6.0, 40.0, 30.0), 0.9), Found(0, 2, (2.0, 2.0, 20.0, 20.0), 0.8)]
    monkeypatch.setattr(grounded.named.finder, "find", lambda *_: boxes)
    tracked = []
    predictor = grounded.named.predictor
    propagate = predictor.propagate_in_video

    def record(clip, start, reverse):
        for index, objects, logits in propagate(clip, start, reverse=reverse):
            tracked.append((start, index))
            yield index, objects, torch.where(torch.ones_like(logits).bool(), 1.0, -1.0)

    monkeypatch.setattr(predictor, "propagate_in_video", record)
    masks = grounded.segment(FRAMES, ["dog", "street", "ball"])
    assert {index for start, index in tracked if start == 3} == set(range(6))
    assert masks[0].all() and masks[1].all() and not masks[2].any()


def test_a_second_box_of_the_same_object_is_not_tracked_again(grounded, monkeypatch):
    box = (8.0, 6.0, 40.0, 30.0)
    monkeypatch.setattr(grounded.named.finder, "find", lambda *_: [Found(0, 0, box, 0.9), Found(0, 5, box, 0.8)])
    predictor = grounded.named.predictor
    starts = []

    def covering(clip, start, reverse):
        starts.append(start)
        for index in range(6):
            yield index, [1], torch.ones(1, 1, 40, 64)

    monkeypatch.setattr(predictor, "propagate_in_video", covering)
    grounded.segment(FRAMES, ["dog"])
    assert starts == [0, 0]


def test_phrases_keep_their_own_tokens(grounded):
    finder = grounded.named.finder
    assert finder._spans(["dog", "a red ball", "street"]) == [slice(1, 2), slice(3, 6), slice(7, 8)]
    tokens = finder.processor.tokenizer("dog. a red ball. street.")["input_ids"]
    assert finder.processor.tokenizer.decode(tokens[3:6]) == "a red ball"
    assert finder._parts(["a red ball"] * 60) == [list(range(50)), list(range(50, 60))]


def test_motion_is_never_asked_of_a_model_of_words(grounded, monkeypatch):
    asked = []
    monkeypatch.setattr(grounded.named.finder, "find", lambda _, __, phrases: asked.append(list(phrases)) or [])
    still = FRAMES[:1].expand(2, -1, -1, -1)
    assert grounded.segment(still, [MOVING_FOREGROUND]).shape == (1, 2, 40, 64)
    assert grounded.segment(still, ["dog", MOVING_FOREGROUND]).shape == (2, 2, 40, 64)
    assert asked == [["dog"]]


@pytest.mark.parametrize("frames", [1, 2, 5, 49])
def test_key_frames_span_the_clip(frames):
    chosen = key_frames(frames)
    assert chosen[0] == 0 and chosen[-1] == frames - 1 and len(chosen) == min(frames, 5)


def test_no_phrases(sam3, grounded):
    assert sam3.segment(FRAMES, []).shape == (0, 6, 40, 64)
    assert grounded.segment(FRAMES, []).shape == (0, 6, 40, 64)


def test_a_configuration_cannot_run_other_code(grounded_folder, tmp_path):
    (tmp_path / "detector").symlink_to(grounded_folder / "detector")
    text = (grounded_folder / "sam2.yaml").read_text()
    (tmp_path / "sam2.yaml").write_text(text.replace("sam2.modeling.memory_encoder.Fuser", "os.system"))
    (tmp_path / "sam2.safetensors").symlink_to(grounded_folder / "sam2.safetensors")
    with pytest.raises(ModelUnavailable, match="os.system"):
        open_segmenter(str(tmp_path), "cpu")


def test_damaged_weights_are_named(grounded_folder, tmp_path):
    (tmp_path / "detector").symlink_to(grounded_folder / "detector")
    (tmp_path / "sam2.yaml").symlink_to(grounded_folder / "sam2.yaml")
    with pytest.raises(ModelUnavailable, match=r"SAM 2\.1"):
        open_segmenter(str(tmp_path), "cpu")
    (tmp_path / "sam2.safetensors").write_bytes(b"half of it")
    with pytest.raises(ModelUnavailable, match=r"SAM 2\.1"):
        open_segmenter(str(tmp_path), "cpu")


def test_masks_do_not_depend_on_the_run(grounded):
    grounded.named.finder.threshold = 0.0
    assert np.array_equal(grounded.segment(FRAMES, ["dog"]), grounded.segment(FRAMES, ["dog"]))


def test_a_gated_model_says_where_to_accept_and_another_stands_in(grounded, monkeypatch):
    def refuse(*_, **__):
        raise OSError("You are trying to access a gated repo.")

    monkeypatch.setattr("transformers.Sam3VideoProcessor.from_pretrained", refuse)
    monkeypatch.setattr("dynvfx.segmentation.loading._grounded_sam2", lambda *_: grounded.named)
    segmenter = open_segmenter("sam3", "cpu")
    assert segmenter.name == "grounded-sam2"
    assert "accept" in segmenter.remarks[0] and "in its place" in segmenter.remarks[0]


def test_no_network_is_said_for_both(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("We couldn't connect") from ConnectionError("no route")

    monkeypatch.setattr("transformers.Sam3VideoProcessor.from_pretrained", unreachable)
    monkeypatch.setattr("transformers.AutoProcessor.from_pretrained", unreachable)
    with pytest.raises(ModelUnavailable, match="could not be fetched") as caught:
        open_segmenter("sam3", "cpu")
    assert "GroundingDINO" in caught.value.why and "folder" in caught.value.remedy


def test_unknown_names(tmp_path):
    with pytest.raises(BadRequest, match="grounded-sam2"):
        open_segmenter("sam9")
    with pytest.raises(ModelUnavailable, match="holds no segmenter"):
        open_segmenter(str(tmp_path))
