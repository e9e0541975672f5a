"""The settings dialog."""

from __future__ import annotations

from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from plugin.panel.models.backend.chosen_backend import address_in_environment, is_address
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.widgets.controls import button, heading, label


class SettingsDialog(QDialog):
    """Edits backend, takes folder, layer and assistant; `accepted` once they are saved."""

    def __init__(self, settings: SettingsStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.settings = settings
        self.where = QComboBox()
        named = address_in_environment()
        if named:
            self.where.addItem(f"{named} (from DYNVFX_BACKEND)", "environment")
        self.where.addItem("On this machine, started when needed", "here")
        self.where.addItem("On another machine", "remote")
        self.address, self.key = (
            QLineEdit(settings.get("service_address", "")),
            QLineEdit(settings.get("service_key", "")),
        )
        self.address.setPlaceholderText("tcp://render01:5757")
        self.key.setPlaceholderText("The 40-character key that the backend prints")
        chosen = "remote" if self.address.text() else "here" if settings.get("service_here", False) else ""
        self.where.setCurrentIndex(max(0, self.where.findData(chosen)))
        self.where.currentIndexChanged.connect(self._show)
        self.folder = QLineEdit(settings.get("takes_folder", ""))
        self.folder.setPlaceholderText("Beside the timeline")
        self.layer = QComboBox()
        self.layer.addItem("One movie with alpha (ProRes 4444)", "prores4444")
        self.layer.addItem("Image sequence (PNG)", "png")
        self.layer.setCurrentIndex(max(0, self.layer.findData(settings.get("layer", "prores4444"))))
        self.assistant = QComboBox()
        self.assistant.addItem("Backend default", "")
        self.assistant.addItem("Offline: nothing leaves the machine", "offline")
        self.assistant.addItem("Vision model (three frames are sent to it)", "openai")
        self.assistant.setCurrentIndex(max(0, self.assistant.findData(settings.get("assistant", ""))))
        for each in (self.where, self.layer, self.assistant):
            # Long entries must not make the dialog wider than a narrow panel.
            each.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.error = label(kind="bad")
        self._lay_out()
        self._show()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        folder = QHBoxLayout()
        folder.addWidget(self.folder, 1)
        folder.addWidget(button("Choose…", self._choose_folder))
        form.addRow(heading("Backend"))
        form.addRow("Location", self.where)
        form.addRow("Address", self.address)
        form.addRow("Key", self.key)
        form.addRow(heading("Results"))
        form.addRow("Takes folder", folder)
        form.addRow("Layer", self.layer)
        form.addRow(heading("Plans"))
        form.addRow("Assistant", self.assistant)
        self.form = form
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._keep)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.error)
        column.addStretch(1)
        column.addWidget(buttons)
        self.setMinimumWidth(380)

    def _show(self) -> None:
        remote = self.where.currentData() == "remote"
        for field in (self.address, self.key):
            field.setEnabled(remote)
        self.error.setVisible(bool(self.error.text()))

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Takes folder", self.folder.text())
        if chosen:
            self.folder.setText(chosen)

    def _keep(self) -> None:
        remote = self.where.currentData() == "remote"
        address, key = self.address.text().strip(), self.key.text().strip()
        if remote and not is_address(address):
            self.error.setText("Use an address such as tcp://render01:5757.")
        elif remote and len(key) != 40:
            self.error.setText(f"The key has 40 characters; this one has {len(key)}.")
        else:
            self.settings.set("service_address", address if remote else "")
            self.settings.set("service_key", key if remote else "")
            # Without the variable there is nothing to decide against, and one that is set later counts.
            here = self.where.currentData() == "here" and self.where.findData("environment") >= 0
            self.settings.set("service_here", here)
            self.settings.set("takes_folder", self.folder.text().strip())
            self.settings.set("layer", self.layer.currentData())
            self.settings.set("assistant", self.assistant.currentData())
            self.settings.flush()
            self.accept()
        self._show()
