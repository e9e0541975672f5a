"""The DynVFX tab in the sequencer's sidebar (N). It only displays; operators carry out the actions."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

from ..agent import agent
from ..layers import layer_tags
from .operators import selected_clip
from .panel_state import PanelState

_BACKEND_ICONS = {"ready": "CHECKMARK", "starting": "TIME", "busy": "TIME", "missing": "ERROR", "old": "ERROR"}
_STATUS_ICONS = {"approved": "CHECKMARK", "rejected": "X", "retake": "FILE_REFRESH", "pending": "DOT"}
_BAR = 16
_LINE_PIXELS = 7.0


class _SidebarPanel(bpy.types.Panel):
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "DynVFX"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return bool(agent) and context.space_data.view_type in {"SEQUENCER", "SEQUENCER_PREVIEW"}


class DYNVFX_PT_ask(_SidebarPanel):
    """The selected clip, the instruction and Generate."""

    bl_idname = "DYNVFX_PT_ask"
    bl_label = "DynVFX"

    def draw(self, context: Any) -> None:
        layout, settings = self.layout, context.window_manager.dynvfx
        state = agent[0].state
        _draw_link(layout, context, state)
        _draw_missing(layout, context)
        scene, clip = selected_clip()
        if clip is None:
            _wrapped_text(layout, context, "Select a clip in the timeline.", "INFO")
        else:
            layout.label(text=clip.name, icon="SEQ_STRIP_DUPLICATE" if clip.type == "META" else "SEQUENCE")
            known = state.clips.get(agent[0].identities.of(scene, clip)) or {}
            if known.get("problem"):
                _wrapped_text(layout, context, " ".join(known["problem"].values()), "ERROR")
            elif known.get("render"):
                _wrapped_text(layout, context, f"Rendered first: {known['render']}.", "INFO")
        column = layout.column(align=True)
        column.prop(settings, "instruction", text="", icon="GREASEPENCIL")
        row = column.row(align=True)
        row.prop(settings, "quality", text="")
        row.prop(settings, "scope", text="")
        button = layout.column()
        button.scale_y = 1.4
        button.operator("dynvfx.generate", icon="SHADERFX")
        layout.operator("dynvfx.open_panel", icon="WINDOW")


class DYNVFX_PT_jobs(_SidebarPanel):
    """Jobs of the selected clip."""

    bl_idname = "DYNVFX_PT_jobs"
    bl_label = "Jobs"
    bl_parent_id = "DYNVFX_PT_ask"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return super().poll(context) and agent[0].connected

    def draw(self, context: Any) -> None:
        scene, clip = selected_clip()
        uid = agent[0].identities.of(scene, clip) if clip is not None else ""
        state = agent[0].state
        for job in state.jobs(uid):
            _draw_job(self.layout, context, job)
        others = state.others_running(uid)
        if others:
            self.layout.label(text=f"{others} more for other clips", icon="TIME")
        elif not state.jobs(uid):
            self.layout.label(text="None", icon="BLANK1")


class DYNVFX_PT_takes(_SidebarPanel):
    """Takes of the selected clip."""

    bl_idname = "DYNVFX_PT_takes"
    bl_label = "Takes"
    bl_parent_id = "DYNVFX_PT_ask"

    def draw(self, context: Any) -> None:
        scene, clip = selected_clip()
        layout = self.layout
        if clip is None:
            layout.label(text="None", icon="BLANK1")
            return
        layers = {layer_tags.read_tag(e).take: e for e in layer_tags.layers_of(scene, clip, agent[0].identities)}
        wrong = agent[0].layers.out_of_place(scene, clip, layers)
        takes = agent[0].state.takes(agent[0].identities.of(scene, clip))
        for take in takes:
            _draw_take(layout, agent[0].state, take, layers.pop(take["id"], None), wrong.get(take["id"], ""))
        for identity, layer in layers.items():
            # These takes are in the timeline but not in the panel's list, or no panel is connected.
            _draw_layer(layout.box(), identity, layer, wrong.get(identity, ""))
        _draw_unlisted(layout, not takes and not layers)
        layout.operator("dynvfx.show_original", icon="HIDE_ON")


def _draw_unlisted(layout: Any, empty: bool) -> None:
    """What is known of takes that are not listed: only the panel can tell whose they are."""
    if agent[0].state.takes_listed:
        if empty:
            layout.label(text="None yet", icon="BLANK1")
        return
    if agent[0].connected or agent[0].starting:
        absent = agent[0].state.backend["state"] in ("missing", "old")
        layout.label(text="Not listed without a backend" if absent else "Looking for finished takes", icon="TIME")
        return
    finished = agent[0].disk.read().finished
    if finished:
        takes = "finished take" if finished == 1 else "finished takes"
        layout.label(text=f"{finished} {takes} of this project", icon="FILE_FOLDER")
    elif empty:
        layout.label(text="Listed while the panel runs", icon="BLANK1")
    layout.operator("dynvfx.list_takes", icon="FILE_REFRESH")


def _draw_missing(layout: Any, context: Any) -> None:
    missing = agent[0].disk.read().missing
    if not missing:
        return
    box = layout.box()
    takes = "The files of a take are" if len(missing) == 1 else f"The files of {len(missing)} takes are"
    _wrapped_text(box, context, f"{takes} missing: {', '.join(missing)}", "ERROR")
    box.operator("dynvfx.relink_takes", icon="FILE_REFRESH")


def _draw_link(layout: Any, context: Any, state: PanelState) -> None:
    if state.problem is not None:
        _wrapped_text(layout, context, str(state.problem), "ERROR")
    elif state.panel_problem:
        _wrapped_text(layout, context, " ".join(filter(None, state.panel_problem.values())), "ERROR")
    if agent[0].connected:
        backend = state.backend
        layout.label(text=backend["text"] or "Connected", icon=_BACKEND_ICONS.get(backend["state"], "LINKED"))
    elif agent[0].starting:
        layout.label(text="The panel is starting", icon="TIME")
    else:
        layout.label(text="The panel starts with the first Generate", icon="UNLINKED")


def _draw_job(layout: Any, context: Any, job: dict[str, Any]) -> None:
    box = layout.box()
    row = box.row(align=True)
    row.label(text=job["instruction"] or "Job", icon="SHADERFX")
    failed = job["state"] in ("failed", "cancelled")
    stopped = failed or job["state"] == "paused"
    name, icon = ("dynvfx.retry", "FILE_REFRESH") if stopped else ("dynvfx.cancel", "X")
    row.operator(name, text="", icon=icon).job = job["id"]
    if failed:
        row.operator("dynvfx.dismiss", text="", icon="TRASH").job = job["id"]
    if failed and job.get("problem"):
        parts = (job["problem"].get(part) for part in ("what", "why", "remedy"))
        _wrapped_text(box, context, " ".join(filter(None, parts)), "ERROR")
        return
    text = job.get("text") or job.get("stage") or job["state"]
    fraction = job.get("fraction")
    if fraction is not None and hasattr(box, "progress"):
        box.progress(factor=fraction, type="BAR", text=f"{round(fraction * 100)} %  {text}")
    elif fraction is not None:
        done = round(fraction * _BAR)
        box.label(text="█" * done + "░" * (_BAR - done) + f" {round(fraction * 100)} %")
        box.label(text=text)
    else:
        box.label(text=text)
    if job.get("seconds_left") is not None:
        box.label(text=f"About {_duration(job['seconds_left'])} left", icon="TIME")


def _draw_take(layout: Any, state: PanelState, take: dict[str, Any], layer: Any, wrong: str) -> None:
    box = layout.box()
    picture = state.picture(take)
    if picture:
        box.template_icon(icon_value=picture, scale=5.0)
    row = box.row(align=True)
    row.label(text=take["label"], icon=_STATUS_ICONS.get(take["status"], "DOT"))
    if layer is not None:
        _draw_visibility(row, take["id"], layer)
        _draw_wrong(box, take["id"], wrong)
        return
    row.operator("dynvfx.reject", text="", icon="X").take = take["id"]
    box.operator("dynvfx.approve_and_place", icon="NLA_PUSHDOWN").take = take["id"]


def _draw_layer(box: Any, identity: str, layer: Any, wrong: str) -> None:
    row = box.row(align=True)
    row.label(text=layer.name, icon="IMAGE_DATA")
    _draw_visibility(row, identity, layer)
    _draw_wrong(box, identity, wrong)


def _draw_wrong(box: Any, identity: str, wrong: str) -> None:
    if wrong:
        box.label(text=wrong, icon="ERROR")
        box.operator("dynvfx.approve_and_place", text="Place Again", icon="NLA_PUSHDOWN").take = identity


def _draw_visibility(row: Any, identity: str, layer: Any) -> None:
    row.label(text=f"Channel {layer.channel}")
    name, icon = ("dynvfx.show_take", "HIDE_ON") if layer.mute else ("dynvfx.hide_take", "HIDE_OFF")
    row.operator(name, text="", icon=icon, depress=not layer.mute).take = identity


def _wrapped_text(layout: Any, context: Any, text: str, icon: str) -> None:
    """Draw text on several lines: Blender's labels do not wrap."""
    scale = context.preferences.system.ui_scale
    width = max(18, int((context.region.width / scale - 50) / _LINE_PIXELS))
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(text, width)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


CLASSES = (DYNVFX_PT_ask, DYNVFX_PT_jobs, DYNVFX_PT_takes)
