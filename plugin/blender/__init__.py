"""DynVFX in Blender's sequencer. One folder for both ways: a legacy add-on and an extension (blender_manifest.toml)."""

bl_info = {
    "name": "DynVFX",
    "author": "DynVFX contributors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Video Sequencer > Sidebar > DynVFX",
    "description": "Adds new content to real footage from one sentence, and places the takes above their clip",
    "category": "Sequencer",
}


def register() -> None:
    """Called by Blender when the add-on is switched on."""


def unregister() -> None:
    """Called by Blender when the add-on is switched off."""
