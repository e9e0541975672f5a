"""A CogVideoX pipeline folder, from the files to a finished take; and every way in which a folder can be wrong."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction

import pytest
import torch
from diffusers import CogVideoXPipeline
from diffusers.models.embeddings import get_3d_rotary_pos_embed

from dynvfx.backbones.cogvideox.backbone import CogVideoXBackbone, room
from dynvfx.backbones.loading import locate, open_backbone
from dynvfx.edits.add import generate
from dynvfx.errors import ModelUnavailable
from dynvfx.progress.events import Outcome
from tests.checkpoints import TEXT_LENGTH, build_cogvideox
from tests.dynvfx.doubles import ScriptedSegmenter, box, clip, request
from tests.dynvfx.memory_store import MemoryStore


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_cogvideox(tmp_path_factory.mktemp("CogVideoX-5b of Zoë"))


@pytest.fixture(scope="module")
def backbone(folder):
    return open_backbone(str(folder))


@pytest.fixture(scope="module")
def pipeline(folder):
    return CogVideoXPipeline.from_pretrained(folder)


def segmenter(source):
    def answer(frames, phrase, call):
        height, width = frames.shape[1:3]
        if phrase == "diver":
            return box(frames, 0, 0, width // 2, height // 2)
        return box(frames, 0, 0, 0, 0) if torch.equal(frames, source) else box(frames, width // 2, 0, width, height)

    return ScriptedSegmenter(answer)


@pytest.mark.parametrize(("frames", "height", "width"), [(49, 16, 32), (17, 32, 16)])
def test_a_take_from_a_folder(backbone, frames, height, width):
    source = clip(0, (frames, height, width))
    wanted = request(source, levels=(599,), steps=5, anchors_until=500, inversion_steps=4, seed=1)
    store = MemoryStore()
    events = list(generate(wanted, source, backbone, segmenter(source), store))
    outcome = events[-1]
    assert isinstance(outcome, Outcome)
    assert outcome.frames.shape == source.shape
    assert outcome.latents.shape == ((frames - 1) // 4 + 1, 16, height // 8, width // 8)
    assert outcome.forwards == {"inverting": 4, "refining": 2 * 3 + 1}
    original = next(state["latents"] for key, state in store._states.items() if key.startswith("clip-"))
    half = width // 16
    assert torch.equal(outcome.latents[..., :half], original[..., :half])
    assert not torch.equal(outcome.latents[..., half:], original[..., half:])


def test_what_the_folder_says(folder, backbone):
    assert backbone.licence == "test-licence"
    assert backbone.name == str(folder)
    assert backbone.family.vocabulary is None
    rules = backbone.rules
    assert rules.frame_counts() == [9, 17, 25, 33, 41, 49]
    assert (rules.size_multiple, rules.area, rules.rate) == (16, 32 * 48, Fraction(8))
    assert (rules.choose(48, 32, 49, Fraction(8)).height, rules.choose(1080, 1920, 33, Fraction(8)).width) == (
        32,
        16 * 2,
    )


def test_text_video_and_prediction_equal_the_pipeline_s(backbone, pipeline):
    prompt = "a diver in the sea"
    (text,) = backbone.encode_text([prompt])
    with torch.no_grad():
        wanted = pipeline.encode_prompt(prompt, do_classifier_free_guidance=False)[0][0]
    assert text.shape == (TEXT_LENGTH, 16)
    torch.testing.assert_close(text, wanted)
    assert not torch.allclose(text, backbone.encode_text([""])[0])

    source = clip(2, (9, 32, 16))
    pixels = source.permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    with torch.no_grad():
        mode = pipeline.vae.encode(pixels).latent_dist.mode()
        latents = backbone.encode(source)
        torch.testing.assert_close(latents, mode[0].transpose(0, 1) * 0.7)
        decoded = pipeline.decode_latents(latents[None])[0].permute(1, 2, 3, 0)
        assert torch.equal(backbone.decode(latents), ((decoded.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8))

        rotary = pipeline._prepare_rotary_positional_embeddings(32, 16, 3, torch.device("cpu"))
        wanted = pipeline.transformer(
            latents[None], text[None], torch.tensor([599]), image_rotary_emb=rotary, return_dict=False
        )[0][0]
    torch.testing.assert_close(backbone.predict(latents, 599, text), wanted)


def test_rotary_positions_are_those_of_the_grid_that_was_asked_for(backbone):
    integer = CogVideoXBackbone(backbone.folder, torch.device("cpu"))
    integer.rotary_grid = "integer"
    cos, sin = integer.rotary(3, 6, 4)
    wanted = get_3d_rotary_pos_embed(16, None, (3, 2), 3, grid_type="slice", max_size=(3, 2))
    torch.testing.assert_close((cos, sin), wanted)
    assert not torch.allclose(cos, backbone.rotary(3, 6, 4)[0])
    assert backbone.rotary(3, 6, 4)[0].shape == (3 * 3 * 2, 16)


def test_the_2b_model_adds_positions_and_shifts_the_snr(tmp_path):
    small = open_backbone(str(build_cogvideox(tmp_path, two_billion=True)))
    assert small.rotary(3, 4, 6) is None
    alpha, sigma = small.schedule.alpha_sigma(500)
    assert sigma > 0.9
    source = clip(3, (9, 32, 16))
    latents = small.encode(source)
    prediction = small.predict(latents, 500, small.encode_text([""])[0])
    assert prediction.shape == latents.shape
    assert small.decode(latents).shape == source.shape


def test_the_newer_model_pairs_latent_frames(tmp_path):
    newer = open_backbone(str(build_cogvideox(tmp_path, newer=True)))
    assert newer.rules.frame_counts() == [17, 33, 49, 65, 81]
    source = clip(4, (17, 16, 32))
    wanted = request(source, levels=(399,), steps=5, anchors_until=300, inversion_steps=5)
    outcome = list(generate(wanted, source, newer, segmenter(source), MemoryStore()))[-1]
    assert outcome.latents.shape == (6, 16, 2, 4)
    assert outcome.frames.shape == source.shape
    assert torch.equal(outcome.latents[..., :2], newer.encode(source)[..., :2])


def test_the_text_encoder_is_gone_after_use(folder, backbone, monkeypatch):
    import dynvfx.backbones.cogvideox.backbone as module

    alive = []
    load = module.T5EncoderModel.from_pretrained

    def watched(*args, **options):
        import weakref

        encoder = load(*args, **options)
        alive.append(weakref.ref(encoder))
        return encoder

    monkeypatch.setattr(module.T5EncoderModel, "from_pretrained", watched)
    backbone.encode_text(["", "a diver"])
    assert len(alive) == 1
    assert alive[0]() is None


def test_room_on_a_card():
    gigabyte = 10**9
    assert room(16 * gigabyte, 100 * gigabyte, 140 * gigabyte) == (False, False)
    assert room(16 * gigabyte, 10 * gigabyte, 24 * gigabyte) == (True, False)
    assert room(16 * gigabyte, 3 * gigabyte, 16 * gigabyte) == (True, True)
    assert room(16 * gigabyte, 5 * gigabyte, 16 * gigabyte) == (False, True)


def test_a_small_footprint_is_the_same_method(folder, backbone):
    small = CogVideoXBackbone(folder, name=backbone.name)
    small.use_small_footprint()
    assert small.vae.use_tiling and not backbone.vae.use_tiling
    # Tiles change pictures a little, so what the other footprint stored is not taken for its own.
    assert small.identity != backbone.identity
    # On a card the transformer's blocks come one after another; here they do so from the processor to the processor.
    small.transformer.enable_group_offload(torch.device("cpu"), num_blocks_per_group=1)
    latents, text = torch.randn(3, 16, 4, 6), torch.randn(TEXT_LENGTH, 16)
    assert torch.equal(small.predict(latents, 500, text), backbone.predict(latents, 500, text))


def test_identity_follows_the_weights(tmp_path, backbone):
    other = open_backbone(str(build_cogvideox(tmp_path, seed=1)))
    other.name = backbone.name
    assert other.identity != backbone.identity
    again = CogVideoXBackbone(backbone.folder, name=backbone.name)
    assert again.identity == backbone.identity


@pytest.mark.parametrize(
    "part",
    [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "tokenizer/spiece.model",
        "text_encoder/model.safetensors",
        "transformer/config.json",
        "transformer/diffusion_pytorch_model-00002-of-00002.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ],
)
def test_an_incomplete_folder_names_what_is_missing(folder, tmp_path, part):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / part).unlink()
    with pytest.raises(ModelUnavailable) as caught:
        open_backbone(str(copy))
    missing = part if "text_encoder" not in part and "vae" not in part else part.split("/")[0]
    assert missing in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    "part",
    ["transformer/diffusion_pytorch_model-00001-of-00002.safetensors", "vae/diffusion_pytorch_model.safetensors"],
)
def test_cut_weights_are_unreadable_not_a_crash(folder, tmp_path, part):
    copy = shutil.copytree(folder, tmp_path / "copy")
    data = (copy / part).read_bytes()
    (copy / part).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        open_backbone(str(copy))


def test_a_cut_text_encoder_is_reported_when_it_is_needed(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "text_encoder" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        open_backbone(str(copy)).encode_text([""])


def test_other_kinds_of_models_are_refused(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "model_index.json").write_text(json.dumps({**index, "_class_name": "WanPipeline"}))
    with pytest.raises(ModelUnavailable, match="WanPipeline"):
        open_backbone(str(copy))
    (copy / "model_index.json").write_text("[not json")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        open_backbone(str(copy))


def test_the_licence_of_a_folder_without_a_card(folder, tmp_path):
    from dynvfx.backbones.cogvideox.backbone import licence_of

    assert "CogVideoX LICENSE" in licence_of(tmp_path, 42)
    assert "not stated" in licence_of(tmp_path, 30)
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    assert licence_of(tmp_path, 30) == "apache-2.0"


def test_names_that_are_no_models(tmp_path, monkeypatch):
    with pytest.raises(ModelUnavailable, match="no model"):
        open_backbone("no such model")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelUnavailable, match="not on this machine") as caught:
        locate("unknown/missing")
    assert "Fetch the model" in caught.value.remedy
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailable, match="not on this machine"):
        locate("unknown/missing", download=True)
