"""Folders with random weights in the true classes of the large segmenters, small enough for a test."""

from __future__ import annotations

from pathlib import Path

import sam2
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertTokenizer,
    CLIPTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessor,
    GroundingDinoProcessor,
    Sam2VideoVideoProcessor,
    Sam3ImageProcessor,
    Sam3VideoConfig,
    Sam3VideoModel,
    Sam3VideoProcessor,
    SwinConfig,
)

WORDS = ("a", "red", "ball", "dog", "street", "moving", "foreground")


def save_sam3(folder: Path) -> Path:
    """SAM 3 at 112 x 112 pixels. Width 128 is the least: the memory's 64 channels are fixed in its attention."""
    torch.manual_seed(0)
    side, width = 112, 128
    small = {"hidden_size": width, "intermediate_size": 64, "num_attention_heads": 2}
    backbone = {
        "model_type": "sam3_vit_model",
        **small,
        "num_hidden_layers": 1,
        "image_size": side,
        "window_size": 4,
        "global_attn_indexes": [0],
        "pretrain_image_size": 56,
    }
    vision = {
        "model_type": "sam3_vision_model",
        "backbone_config": backbone,
        "fpn_hidden_size": width,
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
    }
    detector = {
        "model_type": "sam3",
        "vision_config": vision,
        "text_config": {
            "model_type": "clip_text_model",
            "vocab_size": 60,
            **small,
            "num_hidden_layers": 1,
            "max_position_embeddings": 32,
            "projection_dim": width,
        },
        "geometry_encoder_config": {"num_layers": 1, **small},
        "detr_encoder_config": {"num_layers": 1, **small},
        "detr_decoder_config": {"num_layers": 1, "num_queries": 1, **small},
        "mask_decoder_config": {"hidden_size": width, "num_attention_heads": 2},
    }
    tracker = {
        "model_type": "sam3_tracker_video",
        "vision_config": vision,
        "image_size": side,
        "prompt_encoder_config": {"hidden_size": width, "image_size": side},
        "mask_decoder_config": {"hidden_size": width, "mlp_dim": 64, "num_hidden_layers": 1, "num_attention_heads": 2},
        "memory_attention_hidden_size": width,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 64,
        "memory_encoder_hidden_size": width,
        "mask_downsampler_embed_dim": width,
        "memory_fuser_embed_dim": width,
        "memory_fuser_intermediate_dim": 64,
        "memory_fuser_num_layers": 1,
    }
    config = Sam3VideoConfig(
        detector_config=detector,
        tracker_config=tracker,
        low_res_mask_size=32,
        score_threshold_detection=0.1,
        new_det_thresh=0.1,
    )
    Sam3VideoModel(config).save_pretrained(folder)
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [piece for letter in letters for piece in (letter, f"{letter}</w>")]
    vocabulary = {piece: index for index, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
    size = {"height": side, "width": side}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[])
    Sam3VideoProcessor(Sam3ImageProcessor(size=size), Sam2VideoVideoProcessor(size=size), tokenizer).save_pretrained(
        folder
    )
    return folder


def save_grounded_sam2(folder: Path) -> Path:
    """A random GroundingDINO in `detector/` and a random SAM 2.1 beside it."""
    torch.manual_seed(0)
    _save_detector(folder / "detector")
    _save_sam2(folder)
    return folder


def _save_detector(folder: Path) -> None:
    marks = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".")
    vocabulary = {word: index for index, word in enumerate((*marks, *WORDS))}
    swin = SwinConfig(
        image_size=64,
        patch_size=4,
        embed_dim=8,
        depths=[1, 1, 1],
        num_heads=[1, 1, 1],
        window_size=4,
        out_indices=[2, 3],
    )
    bert = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    config = GroundingDinoConfig(
        backbone_config=swin,
        text_config=bert,
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        num_queries=6,
        num_feature_levels=2,
    )
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    size = {"shortest_edge": 64, "longest_edge": 96}
    GroundingDinoProcessor(GroundingDinoImageProcessor(size=size), BertTokenizer(vocab=vocabulary)).save_pretrained(
        folder
    )


def _save_sam2(folder: Path) -> None:
    whole = OmegaConf.load(Path(sam2.__path__[0]) / "configs" / "sam2.1" / "sam2.1_hiera_t.yaml")
    model = whole.model
    model.image_size = 128
    model.image_encoder.trunk.update(embed_dim=16, stages=[1, 1, 2, 1], global_att_blocks=[3])
    model.image_encoder.neck.backbone_channel_list = [128, 64, 32, 16]
    model.memory_attention.num_layers = 1
    model.memory_attention.layer.dim_feedforward = 64
    for attention in ("self_attention", "cross_attention"):
        model.memory_attention.layer[attention].feat_sizes = [8, 8]
    OmegaConf.save(whole, folder / "sam2.yaml")
    network = instantiate(model)
    save_file(
        {name: value.contiguous().clone() for name, value in network.state_dict().items()}, folder / "sam2.safetensors"
    )
