"""SAM 3: finds every instance of a phrase in every frame of a clip, and can answer that there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from dynvfx.segmentation.base import Segmenter
from dynvfx.segmentation.registry import SAM3
from dynvfx.segmentation.weights import read_weights

_LONGEST_HOTSTART = 15


class Sam3Segmenter(Segmenter):
    """Text-prompted segmentation with `transformers`' Sam3VideoModel.

    Each frame goes through the image encoder once for all phrases. Objects that come into view later are followed back
    by a second pass from the end, which costs each frame once more and is run only then.
    """

    name = "sam3"

    def __init__(
        self, source: str = SAM3, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
    ) -> None:
        """`source` is a folder or a name on the hub. Raises ModelUnavailable."""
        from transformers import Sam3VideoModel, Sam3VideoProcessor

        self.device = torch.device(device)
        self.dtype = dtype or (torch.bfloat16 if self.device.type == "cuda" else torch.float32)
        with read_weights("SAM 3", source):
            self.processor = Sam3VideoProcessor.from_pretrained(source)
            self.model = Sam3VideoModel.from_pretrained(source, dtype=self.dtype).to(self.device).eval()

    @torch.inference_mode()
    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        """Masks float32 [P, F, H, W] with values 0 and 1, of `frames` uint8 [F, H, W, 3]."""
        masks = torch.zeros(len(phrases), *frames.shape[:3])
        if not phrases:
            return masks
        self._fit_hotstart(len(frames))
        # One session holds a phrase once, so that rows which ask for the same thing share it.
        rows: dict[str, list[int]] = {}
        for row, phrase in enumerate(phrases):
            rows.setdefault(phrase, []).append(row)
        first_seen: dict[int, int] = {}
        for index, phrase, mask, object_id in self._tracked(frames, list(rows), reverse=False):
            masks[rows[phrase], index] = torch.maximum(masks[rows[phrase], index], mask)
            first_seen[object_id] = min(first_seen.get(object_id, index), index)
        if any(index > 0 for index in first_seen.values()):
            for index, phrase, mask, _ in self._tracked(frames, list(rows), reverse=True):
                masks[rows[phrase], index] = torch.maximum(masks[rows[phrase], index], mask)
        return masks

    def _tracked(
        self, frames: torch.Tensor, phrases: list[str], reverse: bool
    ) -> Iterator[tuple[int, str, torch.Tensor, int]]:
        """(frame, phrase, mask float32 [H, W], object) for everything found in one pass."""
        session = self.processor.init_video_session(
            video=frames.cpu().numpy(), inference_device=self.device, video_storage_device="cpu", dtype=self.dtype
        )
        session = self.processor.add_text_prompt(session, phrases)
        start = len(frames) if reverse else 0
        for output in self.model.propagate_in_video_iterator(session, start_frame_idx=start, reverse=reverse):
            found = self.processor.postprocess_outputs(session, output)
            masks = dict(zip(found["object_ids"].tolist(), found["masks"], strict=True))
            for phrase, objects in found["prompt_to_obj_ids"].items():
                for object_id in objects:
                    yield output.frame_idx, phrase, masks[object_id].float().cpu(), object_id

    def _fit_hotstart(self, frames: int) -> None:
        """SAM 3 drops what is not confirmed in its first frames; in a short clip that must not be the whole clip."""
        delay = min(_LONGEST_HOTSTART, self.model.config.hotstart_delay, frames // 4)
        self.model.hotstart_delay = delay
        self.model.hotstart_unmatch_thresh = min(self.model.config.hotstart_unmatch_thresh, max(1, delay // 2 + 1))
        self.model.hotstart_dup_thresh = min(self.model.config.hotstart_dup_thresh, max(1, delay // 2 + 1))
