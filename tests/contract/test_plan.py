import json

import pytest

from contract.plan import BadPlan, Plan
from dynvfx.assistant.offline import OfflineAssistant


@pytest.fixture
def plan():
    return OfflineAssistant().plan("add a 🐳 behind the divers").plan


def test_a_plan_file_gives_the_same_plan(plan):
    assert "🐳" in plan.to_json()
    assert Plan.from_json(plan.to_json()) == plan


def test_edits_by_a_person_count(plan):
    values = json.loads(plan.to_json())
    values.update(target_object="humpback whale", source_objects=[" diver ", ""], scope="full_frame", added_by_hand=1)
    del values["vfx_conversation"]
    edited = Plan.from_json(json.dumps(values))
    assert edited.target_object == "humpback whale"
    assert edited.source_objects == ("diver",)
    assert edited.scope == "full_frame"
    assert edited.vfx_conversation == ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"target_object": ""}, "target_object"),
        ({"composite_caption": None}, "composite_caption"),
        ({"source_caption": 3}, "source_caption"),
        ({"scope": "partial"}, "scope"),
        ({"source_objects": "divers"}, "source_objects"),
        ({"source_objects": [1]}, "source_objects"),
    ],
)
def test_a_bad_edit_names_its_field(plan, change, named):
    with pytest.raises(BadPlan, match=named):
        Plan.from_json(json.dumps({**json.loads(plan.to_json()), **change}))


@pytest.mark.parametrize("text", ["", "{", "[]", '"plan"', '{"instruction": "a",}'])
def test_a_file_that_is_no_plan(text):
    with pytest.raises(BadPlan) as caught:
        Plan.from_json(text)
    assert "--plan-only" in caught.value.remedy
