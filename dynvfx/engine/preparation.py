"""Everything before the first noise: source masks, latents, text, inversion. Other takes of the clip find it again."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dynvfx.attention.anchors import AnchorRule
from dynvfx.engine.edit import Edit
from dynvfx.engine.inputs import Inputs
from dynvfx.engine.refinement import Rows
from dynvfx.masks.latent_masks import latent_mask, token_mask
from dynvfx.progress.events import Event, Notice, Progress
from dynvfx.progress.timings import Timings
from dynvfx.progress.workload import Workload
from dynvfx.sampling.inversion import InversionState, Recipe, advance, choose_recipe, start
from dynvfx.state.keys import clip_digest, keys_of


class Preparation:
    """The stages segmenting, encoding and inverting of one take; run them in this order."""

    def __init__(self, inputs: Inputs, edit: Edit, segmenter: str) -> None:
        self.request, self.source, self.parent = inputs.request, inputs.source, inputs.parent
        self.backbone, self.store, self.edit = inputs.backbone, inputs.store, edit
        request, backbone = inputs.request, inputs.backbone
        self.recipe = choose_recipe(request, backbone)
        self.clip = clip_digest(inputs.source)
        self.keys = keys_of(request, self.clip, backbone, segmenter, self.recipe, inputs.parent, inputs.painted)
        self.workload = Workload(request, backbone.schedule.timesteps(request.steps))
        self.timings = Timings()
        self.finished = self._finished_iterations()
        self.composite_caption = backbone.caption_for_region(request.plan.composite_caption, self.edit.limits.box)
        """P_comp as the model gets it."""
        self.latents: torch.Tensor
        """x_orig."""
        self.texts: dict[str, torch.Tensor] = {}
        self.trajectory: dict[float, torch.Tensor] = {}

    def segment(self) -> Iterator[Event]:
        """Find in the source what the edit needs to know of it."""
        yield from self.edit.segment(self.timings)

    def encode(self) -> Iterator[Event]:
        """Latents of the clip, and the embeddings of the empty prompt, the negative prompt and both captions."""
        plan = self.request.plan
        prompts = list(dict.fromkeys(("", self.request.negative, plan.source_caption, self.composite_caption)))
        for prompt in prompts:
            if (stored := self.store.load(self.keys.text(prompt))) is not None:
                self.texts[prompt] = stored["text"]
        missing = [prompt for prompt in prompts if prompt not in self.texts]
        if missing:
            for prompt, text in zip(missing, self.backbone.encode_text(missing), strict=True):
                self.texts[prompt] = text.cpu()
                self.store.save(self.keys.text(prompt), {"text": self.texts[prompt]})
        yield Progress("encoding", 1, 2)
        stored = self.store.load(self.keys.clip)
        if stored is None:
            with self.timings.work("encoding", "encode"):
                self.latents = self.backbone.encode(self.source).to("cpu", torch.float32)
            self.store.save(self.keys.clip, {"latents": self.latents})
        else:
            self.latents = stored["latents"]
        yield Progress("encoding", 2, 2)

    def invert(self) -> Iterator[Event]:
        """The source latents at the anchor timesteps that are still to come; nothing to do without anchors."""
        recipe = self.recipe
        if recipe is None or not self.workload.anchors_after(self.finished):
            return
        for timestep in recipe.kept:
            if (stored := self.store.load(self.keys.trajectory_at(timestep))) is not None:
                self.trajectory[timestep] = stored["latents"]
        if len(self.trajectory) == len(recipe.kept):
            yield Notice("reused", "The clip was inverted before; its trajectory is used again.")
            return
        state = self._inversion_state(recipe)
        while state.done < recipe.forwards:
            with self.timings.work("inverting", "forward"):
                state = advance(recipe, self.backbone, state, self.texts[""])
            self._keep_inversion(recipe, state)
            left = self.timings.seconds_left(self.workload.after(self.finished, forwards=recipe.forwards - state.done))
            yield Progress("inverting", state.done, recipe.forwards, seconds_left=left)
        self.store.discard(self.keys.trajectory_running)

    def rows(self) -> Rows:
        """The rows of every refinement step."""
        request = self.request
        foreground = token_mask(latent_mask(self.edit.source_mask, self.backbone, request.coverage), self.backbone)
        rule = AnchorRule(request.anchor_mode, foreground, request.keep_foreground, request.keep_background)
        return Rows(
            request=request,
            backbone=self.backbone,
            source=self.latents,
            trajectory=self.trajectory,
            source_text=self.texts[request.plan.source_caption],
            composite_text=self._composite_text(),
            unconditional_text=self.texts[request.negative],
            rule=rule,
            workload=self.workload,
        )

    def _composite_text(self) -> torch.Tensor:
        text = self.texts[self.composite_caption]
        # What must stay in a box of the picture cannot go with the scene.
        return text if self.edit.limits.box is not None else self.backbone.track_camera(text, self.source)

    def _finished_iterations(self) -> int:
        """How many iterations an earlier run, or a take with the same first levels, has left in the store."""
        keys = self.keys.iterations
        return next((i for i in range(len(keys), 0, -1) if self.store.load(keys[i - 1]) is not None), 0)

    def _inversion_state(self, recipe: Recipe) -> InversionState:
        stored = self.store.load(self.keys.trajectory_running)
        if stored is not None:
            done = int(stored["done"])
            reached = [t for t in recipe.kept if t in recipe.knots[: done + 1]]
            if all(t in self.trajectory for t in reached):
                return InversionState(done, stored["latents"], stored["noise"])
        state = start(recipe, self.backbone, self.latents)
        self._keep_reached(recipe, state)
        return state

    def _keep_inversion(self, recipe: Recipe, state: InversionState) -> None:
        self._keep_reached(recipe, state)
        running = {"done": torch.tensor(state.done), "latents": state.latents, "noise": state.noise}
        self.store.save(self.keys.trajectory_running, running)

    def _keep_reached(self, recipe: Recipe, state: InversionState) -> None:
        timestep = recipe.knots[state.done]
        if timestep in recipe.kept:
            self.trajectory[timestep] = state.latents
            self.store.save(self.keys.trajectory_at(timestep), {"latents": state.latents})
