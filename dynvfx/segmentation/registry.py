"""The segmenters that can be chosen by name, and the weights that they fetch; imports no torch."""

from __future__ import annotations

from dynvfx.backbones.families import FAMILIES

OWN_SEGMENTERS = {family.segmenter: family.own_segmenter for family in FAMILIES if family.own_segmenter}
"""Segmenters that belong to one family: name and class, "module:Class"."""
GENERAL_SEGMENTERS = ("motion", "sam3", "grounded-sam2")
SEGMENTERS = (*OWN_SEGMENTERS, *GENERAL_SEGMENTERS)
FALLBACK = "sam3"
"""For models of which nothing but a name is known."""

SAM3 = "facebook/sam3"
GROUNDING_DINO = "IDEA-Research/grounding-dino-base"
SAM2 = "facebook/sam2.1-hiera-large"
HUB_WEIGHTS = {
    SAM3: "finds objects; access is asked for on its page",
    GROUNDING_DINO: "finds objects",
    SAM2: "finds objects",
}
"""Hub names of the general segmenters' weights, and what each is for."""
