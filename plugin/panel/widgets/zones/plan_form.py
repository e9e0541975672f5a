"""The plan as editable fields, with the masks of its objects over the frame."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QProgressBar, QToolButton, QVBoxLayout, QWidget

from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.binding import bind_choice, bind_text, watch
from plugin.panel.widgets.controls import button, clear, heading, label, segments, tool_button
from plugin.panel.widgets.flow import FlowLayout
from plugin.panel.widgets.frame_picture import FramePicture

_MASK_SIZE = QSize(720, 480)


class PlanForm(QWidget):
    """Shows the progress of planning, the plan, or why there is none."""

    def __init__(self, model: PanelModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self.plan, self._thumbnails = model, model.plan, thumbnails
        self._mask = 0
        self.stage = label(kind="faint")
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.cancel = button("Cancel", model.drop_plan)
        self.error = label(kind="bad")
        self.try_again = button("Try again", model.try_plan_again, "Resume from what is finished")
        self.source_caption = self._caption("Shot description", "source_caption")
        self.composite_caption = self._caption("New description", "composite_caption")
        self.objects, self.target = QLineEdit(), QLineEdit()
        self.objects.setAccessibleName("Objects to keep in front")
        self.objects.setPlaceholderText("none")
        self.objects.editingFinished.connect(lambda: self.plan.set_objects(self.objects.text()))
        bind_text(self.target, self.plan, "target_object")
        self.target.setAccessibleName("New object")
        row, group = segments(["Object", "Full frame"])
        bind_choice(group, ["object", "full_frame"], self.plan, "scope")
        self.scope = row
        self.frame = FramePicture()
        self.frame.waiting = "Nothing was found for this phrase."
        self.chips = QWidget()
        self._chips = FlowLayout(self.chips, 3)
        self._chips.setContentsMargins(0, 0, 0, 0)
        self.remarks = label(kind="faint")
        self.checked = label(kind="faint")
        self.again = button(
            "Segment again",
            lambda: model.make_plan(keep_edits=True),
            "Find the objects of the edited plan again",
        )
        self._lay_out()
        watch(self.plan, self._show_state, "state", "stage", "problem", "job", "remarks", "checked")
        watch(self.plan, self._show_objects, "source_objects")
        watch(self.plan, self._show_masks, "masks")
        thumbnails.arrived.connect(lambda key: self._show_mask() if key.startswith("still:") else None)

    def _caption(self, name: str, field: str) -> QPlainTextEdit:
        edit = QPlainTextEdit()
        edit.setAccessibleName(name)
        edit.setTabChangesFocus(True)
        edit.setFixedHeight(edit.fontMetrics().lineSpacing() * 3 + 12)
        bind_text(edit, self.plan, field)
        return edit

    def _lay_out(self) -> None:
        self.waiting, self.fields, self.failed = QWidget(), QWidget(), QWidget()
        waiting = QHBoxLayout(self.waiting)
        left = QVBoxLayout()
        left.addWidget(self.stage)
        left.addWidget(self.bar)
        waiting.addLayout(left, 1)
        waiting.addWidget(self.cancel)
        failed = QHBoxLayout(self.failed)
        failed.addWidget(self.error, 1)
        failed.addWidget(self.try_again, 0, Qt.AlignmentFlag.AlignTop)
        fields = QVBoxLayout(self.fields)
        fields.setSpacing(2)
        fields.addWidget(self.checked)
        for name, widget in (
            ("Shot description", self.source_caption),
            ("New description", self.composite_caption),
            ("New object", self.target),
            ("Objects to keep in front", self.objects),
        ):
            fields.addWidget(label(name, "faint"))
            fields.addWidget(widget)
        fields.addWidget(self.scope)
        fields.addSpacing(2)
        fields.addWidget(self.frame)
        fields.addWidget(self.chips)
        low = QHBoxLayout()
        low.addWidget(self.remarks, 1)
        low.addWidget(self.again, 0, Qt.AlignmentFlag.AlignTop)
        fields.addLayout(low)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(3)
        column.addWidget(heading("Plan"))
        for page, layout in ((self.waiting, waiting), (self.fields, fields), (self.failed, failed)):
            layout.setContentsMargins(0, 0, 0, 0)
            column.addWidget(page)

    def _show_state(self) -> None:
        plan = self.plan
        self.setVisible(plan.state != "none")
        self.waiting.setVisible(plan.state == "waiting")
        self.fields.setVisible(plan.state == "ready")
        self.failed.setVisible(plan.state == "failed")
        self.stage.setText(plan.stage)
        self.try_again.setVisible(plan.can_try_again)
        problem = plan.problem
        self.error.setText(
            " ".join(part for part in (problem.what, problem.why, problem.remedy) if part) if problem else ""
        )
        self.remarks.setText(" ".join(plan.remarks))
        self.checked.setVisible(plan.checked is not None)
        self.checked.setText(plan.checked.summary if plan.checked else "")
        self.checked.setToolTip(plan.checked.details if plan.checked else "")

    def _show_objects(self) -> None:
        text = ", ".join(self.plan.source_objects)
        if not self.objects.hasFocus() and self.objects.text() != text:
            self.objects.setText(text)

    def _show_masks(self) -> None:
        clear(self._chips)
        masks = self.plan.masks
        self._mask = next((place for place, each in enumerate(masks) if each.path), 0)
        for place, each in enumerate(masks):
            share = f"{100 * each.coverage:.0f} %" if each.path else "not found"
            chip = tool_button(f"{each.phrase}  {share}", partial(self._choose_mask, place))
            chip.setCheckable(True)
            chip.setChecked(place == self._mask)
            self._chips.addWidget(chip)
        self.frame.setVisible(bool(masks))
        self.chips.setVisible(bool(masks))
        self._show_mask()

    def _choose_mask(self, place: int) -> None:
        self._mask = place
        for at in range(self._chips.count()):
            item = self._chips.itemAt(at)
            chip = item.widget() if item is not None else None
            if isinstance(chip, QToolButton):
                chip.setChecked(at == place)
        self._show_mask()

    def _show_mask(self) -> None:
        masks = self.plan.masks
        path = masks[self._mask].path if self._mask < len(masks) else None
        self.frame.show_image(self._thumbnails.still(path, 0, _MASK_SIZE) if path else None)
