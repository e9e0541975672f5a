"""The shipped model's architecture: small members of the classes that the large models use."""

from __future__ import annotations

from diffusers import CogVideoXTransformer3DModel
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.backbones.tiny.placement_map import MAP_CHANNELS

TEXT_LENGTH = 4
LATENT_CHANNELS = 48


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Word-level tokenizer over the canonical captions of `dynvfx.backbones.tiny.phrases`."""
    words = ["<pad>", "</s>", "<unk>", "empty", "scene"]
    for content in VOCABULARY:
        words += [word for word in content.phrase.split() if word not in words]
    table = {word: index for index, word in enumerate(words)}
    inner = Tokenizer(WordLevel(table, unk_token="<unk>"))
    inner.pre_tokenizer = WhitespaceSplit()
    inner.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", table["</s>"])])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=TEXT_LENGTH
    )


def build_text_encoder(vocabulary_size: int) -> T5EncoderModel:
    """One-layer T5 encoder, 64 wide."""
    config = T5Config(
        vocab_size=vocabulary_size, d_model=64, d_kv=32, d_ff=128, num_layers=1, num_heads=2,
        feed_forward_proj="gated-gelu", dropout_rate=0.0, tie_word_embeddings=False,
    )  # fmt: skip
    return T5EncoderModel(config)


def build_transformer() -> CogVideoXTransformer3DModel:
    """Six blocks of 2 heads x 64 on 8-pixel tokens with rotary positions."""
    return CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=64, in_channels=LATENT_CHANNELS + MAP_CHANNELS,
        out_channels=LATENT_CHANNELS, time_embed_dim=128, text_embed_dim=64, num_layers=6, dropout=0.0,
        sample_width=20, sample_height=12,
        sample_frames=17, patch_size=1, temporal_compression_ratio=4, max_text_seq_length=TEXT_LENGTH,
        use_rotary_positional_embeddings=True,
    )  # fmt: skip
