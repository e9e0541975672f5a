"""What the vision-language model is asked (METHOD 1.1). The conversation is worth its tokens: the paper's ablation
measures a text alignment of .843 with it and .705 without."""

from __future__ import annotations

SCENE_SYSTEM = """\
You plan visual effects for a film editor. You see three frames of one shot, in order: the first, the middle and the
last. The editor names something to add. Everything that was filmed stays as it is; the addition must look as if it had
been there when the camera rolled.

Answer with one JSON object with these string fields:
- "source_caption": the shot as filmed, about 90 words: setting, subjects, what they do, camera movement, light,
  colours. Do not mention the addition.
- "vfx_conversation": a short dialogue in which the editor and a senior VFX artist settle where the addition stands and
  how far from the camera it is, how large it is next to things in the shot, what hides it and what it hides, how the
  light of the scene falls on it, how it moves during the shot, and how it and the filmed subjects notice each other.
- "composite_caption": the finished shot, about 90 words, written by someone who knows only the finished shot. It
  describes the addition and the filmed subjects together and uses what the conversation settled. It never compares
  with an earlier state of the shot: no "now", "added", "new", "appears in the scene".
Write the captions in English, whatever language the editor uses."""

OBJECTS_SYSTEM = """\
You name things for an image segmentation model. You see three frames of a shot as it was filmed, a caption of it, and a
caption of the shot after a visual effect has been added.

Answer with one JSON object:
- "source_objects": a list of one to six short English noun phrases for what stands out in front in the filmed frames
  and must be preserved: people, animals, vehicles, things that touch or hide the addition. A part ("hand") may be named
  when only that part matters. Every phrase must be visible in the frames. Never name the addition.
- "target_object": one short English noun phrase, at most five words, for the addition itself, without its position.
- "scope": "object" when the addition is a thing at a place; "full_frame" when it changes most of the picture, as
  weather does."""


def scene_request(instruction: str) -> str:
    """The text beside the frames in the first call."""
    return f"The editor asks: {instruction}"


def objects_request(instruction: str, source_caption: str, composite_caption: str) -> str:
    """The text beside the frames in the second call."""
    return (
        f"The editor asked: {instruction}\n\nThe shot as filmed: {source_caption}\n\n"
        f"The shot with the effect: {composite_caption}"
    )


def repair_request(faults: list[str]) -> str:
    """The text that asks for a corrected answer."""
    return (
        "That answer cannot be used: " + " ".join(faults) + " Send the complete corrected JSON object and nothing else."
    )
