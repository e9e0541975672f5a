"""Whether a clip fits the model's window, checked before it is rendered, exported or sent."""

from __future__ import annotations

from collections.abc import Callable

from bridge.wire.messages import Estimate
from contract.errors import Problem
from plugin.hosts.base import ExportsClips, Host
from plugin.panel.models.backend.backend import BackendModel

_SIZE = (1280, 720)
"""Of a picture; how long a window is does not depend on it."""


def check_length(
    backend: BackendModel,
    host: Host,
    index: int,
    model: str,
    then: Callable[[], None],
    failed: Callable[[Problem], None],
) -> None:
    """Ask the backend whether the model takes the host's clip number `index`.

    Calls `failed` with kind clip_too_long and a remedy that is possible in the host, else `then`: other errors are
    those of the job itself.
    """

    def refused(problem: Problem) -> None:
        if problem.kind != "clip_too_long":
            then()
            return
        # A part is chosen on the clip's pictures, which a clip that must be rendered does not have yet.
        choice = "Choose a part of the clip in the panel, cut it" if parts else "Cut the clip"
        problem.remedy = f"{choice} in {host.name}, or choose a model with a longer window in the panel."
        failed(problem)

    if not isinstance(host, ExportsClips):
        then()
        return
    try:
        frames, rate = host.length_of(index)
        parts = host.places_parts and not host.export_reason(index)
    except Problem as problem:
        failed(problem)
        return
    width, height = _SIZE
    question = Estimate(
        model=model, quality="draft", takes=1, width=width, height=height, frames=frames, rate=str(rate)
    )
    backend.call(question, lambda reply: then(), refused)
