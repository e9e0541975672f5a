import numpy as np
import pytest

from contract.errors import BadRequest
from dynvfx.assistant.offline import OfflineAssistant
from dynvfx.errors import OutsideVocabulary
from dynvfx.segmentation.base import MOVING_FOREGROUND

MOVING = (MOVING_FOREGROUND,)
VOCABULARY = [
    ("red ball", ["football in red"], "object"),
    ("blue ball", [], "object"),
    ("red balloon", ["balloon"], "object"),
    ("fire", ["flame", "flames"], "object"),
    ("snow", ["snowfall", "snowflakes"], "full_frame"),
]


@pytest.mark.parametrize(
    ("instruction", "target", "objects", "scope", "words"),
    [
        (
            "add a massive whale behind the divers",
            "massive whale",
            ("divers",),
            "object",
            "a massive whale behind the divers",
        ),
        ("put a red ball on the street", "red ball", ("street",), "object", "a red ball on the street"),
        ("make it snow", "snow", MOVING, "full_frame", "with snow."),
        ("let it rain heavily", "rain", MOVING, "full_frame", "rain falling heavily"),
        ("set the car on fire", "fire", ("car",), "object", "fire on the car"),
        ("snow please", "snow", MOVING, "full_frame", "with snow."),
        (
            "I want a glowing orb floating over her head",
            "glowing orb",
            ("head",),
            "object",
            "a glowing orb floating over her head",
        ),
        ("add three blue balls", "blue balls", MOVING, "object", "three blue balls"),
        (
            "Could you please add smoke coming from the chimney?",
            "smoke",
            ("chimney",),
            "object",
            "smoke coming from the chimney",
        ),
        ("smoke everywhere", "smoke", MOVING, "full_frame", "smoke everywhere"),
        ("in the background, add a castle", "castle", MOVING, "object", "a castle in the background"),
        ("behind the divers add a whale", "whale", ("divers",), "object", "a whale behind the divers"),
        ("fill the sky with birds", "birds", MOVING, "object", "birds in the sky"),
        ("replace the car with a horse", "horse", ("car",), "object", "a horse in place of the car"),
        ("make the car explode", "explosion", ("car",), "object", "an explosion on the car"),
        (
            "let a balloon rise from behind the wall",
            "balloon",
            ("wall",),
            "object",
            "a balloon rising from behind the wall",
        ),
        ("give the dog a hat", "hat", ("dog",), "object", "a hat on the dog"),
        ("add a snow leopard on the roof", "snow leopard", ("roof",), "object", "a snow leopard on the roof"),
        (
            "add a whale and a shark behind the divers and the boat",
            "whale and shark",
            ("divers", "boat"),
            "object",
            "a whale and a shark",
        ),
        ("A dragon.", "dragon", MOVING, "object", "with a dragon."),
        ("add a 🐳 behind the divers", "🐳", ("divers",), "object", "a 🐳 behind the divers"),
        ("Füge einen roten Ball auf der Straße hinzu", "red ball", ("street",), "object", "a red ball on the street"),
        ("lass es schneien", "snow", MOVING, "full_frame", "with snow."),
        ("Bitte setze das Auto in Brand", "fire", ("car",), "object", "fire on the car"),
    ],
)
def test_what_an_editor_types(instruction, target, objects, scope, words):
    planned = OfflineAssistant().plan(instruction)
    plan = planned.plan
    assert (plan.target_object, plan.source_objects, plan.scope) == (target, objects, scope)
    assert words in plan.composite_caption
    assert plan.instruction == instruction
    assert plan.source_caption == "The scene as filmed."
    assert "now there" not in plan.composite_caption.lower()
    assert plan.assistant == "offline"
    assert "simpler" in planned.remarks[0]


def test_the_same_words_give_the_same_plan_whatever_the_pictures():
    frames = [np.zeros((4, 4, 3), np.uint8)] * 3
    assistant = OfflineAssistant()
    assert assistant.plan("add a whale", frames) == assistant.plan("add a whale")


def test_the_artist_decides_the_scope():
    assert OfflineAssistant().plan("make it snow", scope="object").plan.scope == "object"


@pytest.mark.parametrize("instruction", ["ajoute une baleine derrière les plongeurs", "أضف حوتًا", "añade una ballena"])
def test_other_languages_are_kept_and_the_limit_is_said(instruction):
    planned = OfflineAssistant().plan(instruction)
    assert planned.plan.target_object == instruction
    assert "English" in planned.remarks[1]


def test_german_words_that_it_does_not_know_are_said():
    assert "wichtel" in OfflineAssistant().plan("füge einen Wichtel hinzu").remarks[1]


@pytest.mark.parametrize("instruction", ["", "   ", "?!", "please", "add", "\u200b"])
def test_nothing_to_add(instruction):
    with pytest.raises(BadRequest) as caught:
        OfflineAssistant().plan(instruction)
    assert caught.value.remedy


def test_removing_is_another_trade():
    with pytest.raises(BadRequest, match="does not remove"):
        OfflineAssistant().plan("please remove the car")


@pytest.mark.parametrize(
    ("instruction", "phrase", "scope"),
    [
        ("put a red ball on the street", "red ball", "object"),
        ("add three Blue Balls", "blue ball", "object"),
        ("a big shiny red rubber ball next to the man", "red ball", "object"),
        ("a balloon", "red balloon", "object"),
        ("balloons in the sky", "red balloon", "object"),
        ("set the car on fire", "fire", "object"),
        ("make it snow", "snow", "full_frame"),
        ("flames on the roof", "fire", "object"),
        ("Füge einen roten Ball hinzu", "red ball", "object"),
    ],
)
def test_the_vocabulary_is_found_in_other_words(instruction, phrase, scope):
    plan = OfflineAssistant(VOCABULARY).plan(instruction).plan
    assert (plan.target_object, plan.scope) == (phrase, scope)
    assert phrase in plan.composite_caption
    assert MOVING_FOREGROUND in plan.source_objects


def test_a_count_is_kept():
    assert "three blue balls" in OfflineAssistant(VOCABULARY).plan("add three blue balls").plan.composite_caption


def test_a_missing_colour_is_chosen_and_said():
    planned = OfflineAssistant(VOCABULARY).plan("add a ball")
    assert planned.plan.target_object == "red ball"
    assert "'red ball'" in planned.remarks[1]


@pytest.mark.parametrize(
    "instruction",
    ["add a massive whale", "a green ball", "a whale behind the red ball", "a snow leopard", "a fire truck", "🎈"],
)
def test_outside_the_vocabulary_says_what_is_inside(instruction):
    with pytest.raises(OutsideVocabulary) as caught:
        OfflineAssistant(VOCABULARY).plan(instruction)
    for phrase, _, _ in VOCABULARY:
        assert phrase in caught.value.why
