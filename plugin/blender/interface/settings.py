"""The sidebar's settings. They belong to the window manager, so that editing them does not mark the file as changed.

No `annotations` import here: Blender reads the property annotations.
"""

import bpy
from bpy.props import EnumProperty, StringProperty


class DYNVFX_PG_settings(bpy.types.PropertyGroup):
    """The settings of the next Generate."""

    instruction: StringProperty(  # type: ignore[valid-type]
        name="Instruction",
        description="What to add, in one sentence: add a massive whale behind the divers",
    )
    quality: EnumProperty(  # type: ignore[valid-type]
        name="Preset",
        items=[
            ("draft", "Draft", "A quick look: fewer steps"),
            ("standard", "Standard", "The usual quality"),
            ("reference", "Reference", "All steps of the method; takes the longest"),
        ],
        default="standard",
    )
    scope: EnumProperty(  # type: ignore[valid-type]
        name="Scope",
        items=[
            ("object", "Object", "Add an object, a creature or a person to the shot"),
            ("full_frame", "Full Frame", "Add weather, light or smoke to the whole frame"),
        ],
        default="object",
    )


CLASSES = (DYNVFX_PG_settings,)
