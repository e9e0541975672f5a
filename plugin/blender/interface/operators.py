"""The sidebar's operators. No `annotations` import here: Blender reads the property annotations."""

from typing import Any

import bpy
from bpy.props import StringProperty

from ..agent import agent
from ..agent_link import AgentProblem
from ..layers import layer_tags
from ..layers.relinking import missing_layers, relink
from ..layers.undo_step import redraw
from ..strips import compat
from ..strips.suitability import problem_with
from ..timeline.timeline_info import selected_clips


def selected_clip() -> tuple[Any, Any]:
    """(scene, clip): the active of the selected clips; (scene, None) when none is selected."""
    scene = compat.edited_scene()
    clips = selected_clips(scene, agent[0].identities) if agent else []
    return scene, clips[0] if clips else None


def _run(operator: Any, work: Any) -> set[str]:
    """Run `work`; a problem is reported by the operator and shown in the sidebar."""
    try:
        work()
    except AgentProblem as problem:
        agent[0].state.problem = problem
        operator.report({"ERROR"}, str(problem))
        redraw()
        return {"CANCELLED"}
    return {"FINISHED"}


class DYNVFX_OT_open_panel(bpy.types.Operator):
    """Open the full DynVFX panel in its own window"""

    bl_idname = "dynvfx.open_panel"
    bl_label = "Open Full Panel"

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: agent[0].ask("show", {}))


class DYNVFX_OT_generate(bpy.types.Operator):
    """Make a take of every selected clip with the instruction above"""

    bl_idname = "dynvfx.generate"
    bl_label = "Generate"

    @classmethod
    def poll(cls, context: Any) -> bool:
        if selected_clip()[1] is None:
            cls.poll_message_set("Select a clip in the timeline first")
            return False
        if not context.window_manager.dynvfx.instruction.strip():
            cls.poll_message_set("Type what to add first")
            return False
        return True

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: self._generate(context.window_manager.dynvfx))

    @staticmethod
    def _generate(settings: Any) -> None:
        scene = compat.edited_scene()
        clips = selected_clips(scene, agent[0].identities)
        for clip in clips:
            problem = problem_with(scene, clip)
            if problem is not None:
                raise problem
        uids = [agent[0].identities.of(scene, each) for each in clips]
        request = {"uids": uids, "instruction": settings.instruction.strip()}
        agent[0].ask("generate", dict(request, quality=settings.quality, scope=settings.scope))


class _JobOperator(bpy.types.Operator):
    job: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]


class DYNVFX_OT_cancel(_JobOperator):
    """Cancel this job"""

    bl_idname = "dynvfx.cancel"
    bl_label = "Cancel"

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: agent[0].ask("cancel", {"job": self.job}))


class DYNVFX_OT_retry(_JobOperator):
    """Continue this job from where it stopped"""

    bl_idname = "dynvfx.retry"
    bl_label = "Try Again"

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: agent[0].ask("retry", {"job": self.job}))


class DYNVFX_OT_dismiss(_JobOperator):
    """Remove this job from the list; what it has made stays on the disk"""

    bl_idname = "dynvfx.dismiss"
    bl_label = "Dismiss"

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: agent[0].ask("dismiss", {"job": self.job}))


class _TakeOperator(bpy.types.Operator):
    take: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]


class DYNVFX_OT_approve_and_place(_TakeOperator):
    """Approve this take and place it on a free channel above its clip"""

    bl_idname = "dynvfx.approve_and_place"
    bl_label = "Approve and Place"

    def execute(self, context: Any) -> set[str]:
        def work() -> None:
            agent[0].ask("set_status", {"take": self.take, "status": "approved"})
            agent[0].ask("place_take", {"take": self.take})

        return _run(self, work)


class DYNVFX_OT_reject(_TakeOperator):
    """Reject this take; it stays in the list"""

    bl_idname = "dynvfx.reject"
    bl_label = "Reject"

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: agent[0].ask("set_status", {"take": self.take, "status": "rejected"}))


class DYNVFX_OT_show_take(_TakeOperator):
    """Show this take, and mute the clip's other takes of the same effect"""

    bl_idname = "dynvfx.show_take"
    bl_label = "Show This Take"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: _on_clip(lambda scene, clip: agent[0].layers.show_only(scene, clip, self.take)))


class DYNVFX_OT_hide_take(_TakeOperator):
    """Mute this take, to see the clip without it"""

    bl_idname = "dynvfx.hide_take"
    bl_label = "Hide This Take"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: _on_clip(lambda scene, clip: agent[0].layers.hide(scene, clip, self.take)))


class DYNVFX_OT_show_original(bpy.types.Operator):
    """Mute all takes of this clip, to see the clip as it was shot"""

    bl_idname = "dynvfx.show_original"
    bl_label = "Show the Original"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        scene, clip = selected_clip()
        placed = clip is not None and layer_tags.layers_of(scene, clip, agent[0].identities)
        if not placed:
            cls.poll_message_set("No take of this clip is in the timeline")
        return bool(placed)

    def execute(self, context: Any) -> set[str]:
        return _run(self, lambda: _on_clip(lambda scene, clip: agent[0].layers.show_only(scene, clip, "")))


class DYNVFX_OT_list_takes(bpy.types.Operator):
    """Start the panel in the background: it knows the finished takes"""

    bl_idname = "dynvfx.list_takes"
    bl_label = "List Takes"

    def execute(self, context: Any) -> set[str]:
        return _run(self, agent[0].ensure_panel)


class DYNVFX_OT_relink_takes(bpy.types.Operator):
    """Find the files of takes that were moved, by the takes' identity"""

    bl_idname = "dynvfx.relink_takes"
    bl_label = "Relink Takes"

    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def invoke(self, context: Any, event: Any) -> set[str]:
        self._look()
        if missing_layers():
            # Not where they are expected: the user names the folder.
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        return {"FINISHED"}

    def execute(self, context: Any) -> set[str]:
        return self._look()

    def _look(self) -> set[str]:
        found, lost = relink(self.directory)
        agent[0].disk.forget()
        if lost:
            where = f" below {self.directory}" if self.directory else ""
            self.report({"WARNING"}, f"Not found{where}: {', '.join(lost)}. Choose the folder that holds the takes.")
        elif found:
            self.report({"INFO"}, f"Found again: {', '.join(found)}")
        return {"FINISHED"} if found or not lost else {"CANCELLED"}


def _on_clip(work: Any) -> None:
    scene, clip = selected_clip()
    if clip is None:
        raise AgentProblem("no_selection", "No clip is selected.", "", "Select the clip or one of its takes.")
    work(scene, clip)
    agent[0].touched()
    redraw()


CLASSES = (
    DYNVFX_OT_open_panel,
    DYNVFX_OT_generate,
    DYNVFX_OT_cancel,
    DYNVFX_OT_retry,
    DYNVFX_OT_dismiss,
    DYNVFX_OT_approve_and_place,
    DYNVFX_OT_reject,
    DYNVFX_OT_show_take,
    DYNVFX_OT_hide_take,
    DYNVFX_OT_show_original,
    DYNVFX_OT_list_takes,
    DYNVFX_OT_relink_takes,
)
