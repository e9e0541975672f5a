"""DynVFX in Blender's sequencer: a legacy add-on, and with blender_manifest.toml an extension, from the same folder."""

bl_info = {
    "name": "DynVFX",
    "author": "DynVFX contributors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Video Sequencer > Sidebar > DynVFX",
    "description": "Adds new content to real footage from one sentence, and places the takes above their clip",
    "category": "Sequencer",
}

# Blender deletes bl_info from this module when the add-on is installed as an extension.
_VERSION = ".".join(map(str, bl_info["version"]))


def register() -> None:
    """Called by Blender when the add-on is switched on."""
    import bpy

    from . import agent
    from .interface import operators, settings, sidebar

    for kind in (*settings.CLASSES, *operators.CLASSES, *sidebar.CLASSES):
        bpy.utils.register_class(kind)
    bpy.types.WindowManager.dynvfx = bpy.props.PointerProperty(type=settings.DYNVFX_PG_settings)
    agent.switch_on(_VERSION)


def unregister() -> None:
    """Called by Blender when the add-on is switched off, and when it quits."""
    import bpy

    from . import agent
    from .interface import operators, settings, sidebar

    agent.switch_off()
    del bpy.types.WindowManager.dynvfx
    for kind in reversed((*settings.CLASSES, *operators.CLASSES, *sidebar.CLASSES)):
        bpy.utils.unregister_class(kind)
