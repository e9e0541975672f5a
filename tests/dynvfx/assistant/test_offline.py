import json

import numpy as np
import pytest

from contract.errors import BadRequest
from dynvfx.assistant.offline import OfflineAssistant
from dynvfx.assistant.openai_assistant import OpenAIAssistant
from dynvfx.errors import OutsideVocabulary
from dynvfx.segmentation.base import MOVING_FOREGROUND
from dynvfx.vocabulary import Content
from tests.dynvfx.assistant.fake_server import OBJECTS, SCENE, FakeServer, reply

MOVING = (MOVING_FOREGROUND,)
VOCABULARY = (
    Content("red ball", ("football in red",)),
    Content("blue ball"),
    Content("red balloon", ("balloon",)),
    Content("fire", ("flame", "flames")),
    Content("snow", ("snowfall", "snowflakes"), "full_frame"),
)


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


def test_the_same_instruction_gives_the_same_plan_whatever_the_pictures():
    frames = [np.zeros((4, 4, 3), np.uint8)] * 3
    assistant = OfflineAssistant()
    assert assistant.plan("add a whale", frames) == assistant.plan("add a whale")


def test_the_artist_decides_the_scope():
    assert OfflineAssistant().plan("make it snow", scope="object").plan.scope == "object"


FOREIGN = [
    "Füge links einen großen roten Ball hinzu",
    "lass es schneien",
    "Bitte setze das Auto in Brand",
    "ein roter Ball",
    "ajoute une baleine derrière les plongeurs",
    "añade una ballena",
    "aggiungi una balena dietro i sub",
    "voeg een walvis toe",
    "أضف حوتًا",
    "добавь кита за дайверами",
    "ダイバーの後ろにクジラを追加",
]


@pytest.mark.parametrize("vocabulary", [None, VOCABULARY])
@pytest.mark.parametrize("instruction", FOREIGN)
def test_other_languages_are_refused_with_what_helps(instruction, vocabulary):
    with pytest.raises(BadRequest) as caught:
        OfflineAssistant(vocabulary).plan(instruction)
    assert instruction in caught.value.why
    assert "English" in caught.value.remedy and "vision model" in caught.value.remedy


@pytest.mark.parametrize("instruction", FOREIGN)
def test_the_remedy_helps(instruction):
    server = FakeServer()
    server.answers = [reply(SCENE), reply(OBJECTS)]
    try:
        assistant = OpenAIAssistant("seer", server.url, "key")
        plan = assistant.plan(instruction, [np.zeros((8, 8, 3), np.uint8)] * 3).plan
    finally:
        server.close()
    assert (plan.instruction, plan.target_object) == (instruction, OBJECTS["target_object"])
    assert instruction in json.dumps(server.requests[0], ensure_ascii=False)


@pytest.mark.parametrize(
    "instruction",
    [
        "add the Las Vegas sign behind the divers",
        "Los Angeles skyline",
        "a café au lait on the table",
        "add a sign that says ein Bier bitte",
        "add a neon sign with 猫 on it",
        "put El Niño clouds over the sea",
        "an MIT banner on the wall",
        "piñata",
        "fjord",
    ],
)
def test_names_and_quotations_of_other_languages_stay(instruction):
    assert OfflineAssistant().plan(instruction).plan.instruction == instruction


@pytest.mark.parametrize("instruction", ["", "   ", "?!", "please", "add", "\u200b"])
def test_nothing_to_add(instruction):
    with pytest.raises(BadRequest) as caught:
        OfflineAssistant().plan(instruction)
    assert caught.value.remedy


def test_removing_is_refused():
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
    ],
)
def test_the_vocabulary_is_found_in_other_words(instruction, phrase, scope):
    plan = OfflineAssistant(VOCABULARY).plan(instruction).plan
    assert (plan.target_object, plan.scope) == (phrase, scope)
    assert phrase in plan.composite_caption
    assert MOVING_FOREGROUND in plan.source_objects


def test_words_that_a_small_model_does_not_know_are_named():
    planned = OfflineAssistant(VOCABULARY).plan("a big shiny red rubber ball next to the man")
    assert "big, shiny, rubber" in planned.remarks[-1]
    assert len(OfflineAssistant(VOCABULARY).plan("add three red balls").remarks) == 1


def test_a_count_is_kept():
    assert "three blue balls" in OfflineAssistant(VOCABULARY).plan("add three blue balls").plan.composite_caption


def test_a_missing_colour_is_chosen_with_a_remark():
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
    for content in VOCABULARY:
        assert content.phrase in caught.value.why
