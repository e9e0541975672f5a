"""What is asked for, kept with the window manager: it is no part of the file and marks nothing as changed.

No `annotations` import here: Blender reads the property annotations.
"""

import bpy
from bpy.props import EnumProperty, StringProperty


class DYNVFX_PG_settings(bpy.types.PropertyGroup):
    """The next order from the sidebar."""

    instruction: StringProperty(  # type: ignore[valid-type]
        name="Instruction",
        description="What should be added, in one sentence: add a massive whale behind the divers",
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
            ("object", "Object", "Something new stands or moves in the shot"),
            ("full_frame", "Full Frame", "Weather, light or smoke that reaches everywhere"),
        ],
        default="object",
    )


CLASSES = (DYNVFX_PG_settings,)
