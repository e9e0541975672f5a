"""CogVideoX's anchor processor against a plain float64 reference written from the formula."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers.models.attention_processor import CogVideoXAttnProcessor2_0, FusedCogVideoXAttnProcessor2_0

from dynvfx.attention import scaled_dot_product
from dynvfx.attention.anchors import AnchorPass, AnchorRule
from dynvfx.backbones.cogvideox.anchor_processor import CogVideoXAnchorProcessor, installed
from dynvfx.sampling.rng import generator
from tests.dynvfx.doubles import CHANNELS, WIDTH, WORDS, SmallBackbone, small_transformer

TOKENS = (3, 2, 3)
FOREGROUND = torch.zeros(TOKENS, dtype=torch.bool)
FOREGROUND[:, :, 1] = True
FOREGROUND[2, 0, 0] = True
COUNTERS = (7, 0, 0, 899)


def plain_attention(attn, video, text, extra_keys=None, extra_values=None, rotary=None):
    """softmax(Q K'^T / sqrt(d)) V' with loops over heads; returns video, text, and this row's video keys and values."""
    joint = torch.cat((text, video), dim=1)[0]
    words, heads = text.shape[1], attn.heads
    outputs, keys, values = [], [], []
    for head in range(heads):
        rows = {}
        for name, layer in (("q", attn.to_q), ("k", attn.to_k), ("v", attn.to_v)):
            full = joint @ layer.weight.T + (layer.bias if layer.bias is not None else 0.0)
            rows[name] = full.reshape(len(joint), heads, -1)[:, head]
        for name, norm in (("q", attn.norm_q), ("k", attn.norm_k)):
            centred = rows[name] - rows[name].mean(-1, keepdim=True)
            variance = (centred**2).mean(-1, keepdim=True)
            rows[name] = centred / torch.sqrt(variance + norm.eps) * norm.weight + norm.bias
            if rotary is not None:
                cos, sin = (table.double() for table in rotary)
                part = rows[name][words:]
                turned = torch.stack((-part[:, 1::2], part[:, 0::2]), dim=-1).flatten(1)
                rows[name] = torch.cat((rows[name][:words], part * cos + turned * sin))
        keys.append(rows["k"][words:])
        values.append(rows["v"][words:])
        key = rows["k"] if extra_keys is None else torch.cat((rows["k"], extra_keys[head]))
        value = rows["v"] if extra_values is None else torch.cat((rows["v"], extra_values[head]))
        logits = rows["q"] @ key.T / math.sqrt(rows["q"].shape[1])
        weights = torch.exp(logits - logits.max(-1, keepdim=True).values)
        outputs.append(weights / weights.sum(-1, keepdim=True) @ value)
    out = torch.cat(outputs, dim=-1)
    out = out @ attn.to_out[0].weight.T + attn.to_out[0].bias
    return out[None, words:], out[None, :words], keys, values


def reference_positions(mode, counters, keep_foreground, keep_background):
    """Anchors, token by token, from the definition."""
    random = generator("anchors", *counters)
    inside, outside = random.random(TOKENS[1:]), random.random(TOKENS[1:])
    chosen = []
    for f in range(TOKENS[0]):
        for i in range(TOKENS[1]):
            for j in range(TOKENS[2]):
                own = bool(FOREGROUND[f, i, j])
                keep = {
                    "anchor": inside[i, j] < keep_foreground if own else outside[i, j] < keep_background,
                    "masked": own,
                    "full": True,
                    "none": False,
                }[mode]
                if keep:
                    chosen.append((f * TOKENS[1] + i) * TOKENS[2] + j)
    return chosen


@pytest.mark.parametrize("mode", ["anchor", "masked", "full", "none"])
@pytest.mark.parametrize("rotary", [False, True])
def test_extended_attention_equals_the_formula(mode, rotary):
    backbone = SmallBackbone()
    attn = backbone.transformer.transformer_blocks[0].attn1.double()
    table = backbone.rotary(3, 4, 6) if rotary else None
    random = torch.Generator().manual_seed(3)
    count, dim = math.prod(TOKENS), attn.to_q.in_features
    source, sample = (torch.randn(1, count, dim, dtype=torch.float64, generator=random) for _ in range(2))
    source_text, text = (torch.randn(1, WORDS, dim, dtype=torch.float64, generator=random) for _ in range(2))

    anchors = AnchorPass(AnchorRule(mode, FOREGROUND, 0.7, 0.4), COUNTERS)
    with installed(backbone.transformer, anchors):
        recorded = attn(source, encoder_hidden_states=source_text, image_rotary_emb=table)
    with installed(backbone.transformer, anchors.replay()):
        video, words = attn(sample, encoder_hidden_states=text, image_rotary_emb=table)

    with torch.no_grad():
        plain = plain_attention(attn, source, source_text, rotary=table)
        chosen = reference_positions(mode, (*COUNTERS, 0), 0.7, 0.4)
        expected = plain_attention(
            attn, sample, text, [k[chosen] for k in plain[2]], [v[chosen] for v in plain[3]], rotary=table
        )
    # diffusers rotates in float32, so only the case without rotation can be exact to float64.
    tolerance = 1e-5 if rotary else 1e-12
    for result, wanted in zip((*recorded, video, words), (*plain[:2], *expected[:2]), strict=True):
        assert (result - wanted).norm() <= tolerance * wanted.norm()
    assert mode == "none" or (video - plain_attention(attn, sample, text, rotary=table)[0]).norm() > 1e-3


def row(seed):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(3, CHANNELS, 4, 6, generator=random), torch.randn(WORDS, WIDTH, generator=random)


def test_without_anchors_every_row_equals_the_stock_processor():
    backbone = SmallBackbone()
    (source, source_text), (sample, text) = row(1), row(2)
    anchors = AnchorPass(AnchorRule("none", FOREGROUND), COUNTERS)
    stock = backbone.predict(source, 899, source_text)
    torch.testing.assert_close(backbone.predict(source, 899, source_text, anchors), stock, rtol=1e-5, atol=1e-6)
    stock = backbone.predict(sample, 899, text)
    torch.testing.assert_close(backbone.predict(sample, 899, text, anchors.replay()), stock, rtol=1e-5, atol=1e-6)


def test_anchors_change_the_composite_row_only():
    backbone = SmallBackbone()
    (source, source_text), (sample, text) = row(1), row(2)
    anchors = AnchorPass(AnchorRule("full", FOREGROUND), COUNTERS)
    recorded = backbone.predict(source, 899, source_text, anchors)
    torch.testing.assert_close(recorded, backbone.predict(source, 899, source_text), rtol=1e-5, atol=1e-6)
    extended = backbone.predict(sample, 899, text, anchors.replay())
    assert (extended - backbone.predict(sample, 899, text)).abs().max() > 1e-3


def test_full_anchors_of_the_row_itself_double_the_weight_of_its_video_keys():
    """With source == sample a joint model changes only through the text keys, which are not doubled."""
    attn = small_transformer().transformer_blocks[1].attn1.double()
    random = torch.Generator().manual_seed(5)
    video = torch.randn(1, math.prod(TOKENS), attn.to_q.in_features, dtype=torch.float64, generator=random)
    text = torch.randn(1, WORDS, attn.to_q.in_features, dtype=torch.float64, generator=random)
    anchors = AnchorPass(AnchorRule("full", FOREGROUND), COUNTERS)
    attn.set_processor(CogVideoXAnchorProcessor(0, anchors))
    attn(video, encoder_hidden_states=text)
    attn.set_processor(CogVideoXAnchorProcessor(0, anchors.replay()))
    result, _ = attn(video, encoder_hidden_states=text)

    with torch.no_grad():
        joint = torch.cat((text, video), dim=1)[0]
        heads = attn.heads
        query, key, value = (
            layer(joint).reshape(len(joint), heads, -1).transpose(0, 1) for layer in (attn.to_q, attn.to_k, attn.to_v)
        )
        query, key = attn.norm_q(query), attn.norm_k(key)
        logits = query @ key.transpose(1, 2) / math.sqrt(query.shape[-1])
        logits[:, :, WORDS:] += math.log(2.0)
        out = (torch.softmax(logits, dim=-1) @ value).transpose(0, 1).flatten(1)
        wanted = attn.to_out[0](out)[WORDS:]
    assert (result[0] - wanted).norm() <= 1e-12 * wanted.norm()


def test_processors_come_back_even_after_an_error():
    transformer = small_transformer()
    before = transformer.attn_processors
    with pytest.raises(ZeroDivisionError), installed(transformer, AnchorPass(AnchorRule("full", FOREGROUND), COUNTERS)):
        assert not any(isinstance(p, CogVideoXAttnProcessor2_0) for p in transformer.attn_processors.values())
        raise ZeroDivisionError
    assert transformer.attn_processors == before


def test_foreign_processors_are_refused():
    transformer = small_transformer()
    transformer.set_attn_processor(FusedCogVideoXAttnProcessor2_0())
    anchors = AnchorPass(AnchorRule("full", FOREGROUND), COUNTERS)
    with pytest.raises(TypeError, match="FusedCogVideoX"), installed(transformer, anchors):
        pass


def test_extending_before_recording_is_an_error():
    backbone = SmallBackbone()
    with pytest.raises(KeyError):
        backbone.predict(*row(1)[:1], 899, row(1)[1], AnchorPass(AnchorRule("full", FOREGROUND), COUNTERS).replay())


def test_one_attention_call_for_each_block(monkeypatch):
    """Text and video queries share one call without a mask, so that every fused kernel applies."""
    calls = []
    original = scaled_dot_product.scaled_dot_product_attention

    def counted(query, key, value, **options):
        calls.append((query.shape[2], key.shape[2], options))
        return original(query, key, value, **options)

    monkeypatch.setattr(scaled_dot_product, "scaled_dot_product_attention", counted)
    backbone = SmallBackbone()
    anchors = AnchorPass(AnchorRule("masked", FOREGROUND), COUNTERS)
    backbone.predict(row(1)[0], 899, row(1)[1], anchors)
    backbone.predict(row(2)[0], 899, row(2)[1], anchors.replay())
    own, extra = WORDS + math.prod(TOKENS), int(FOREGROUND.sum())
    assert calls == [(own, own, {})] * 2 + [(own, own + extra, {})] * 2
