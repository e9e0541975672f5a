import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import BadRequest, Problem
from contract.instruction import LONGEST_INSTRUCTION, clean_instruction
from dynvfx.assistant.offline import OfflineAssistant


@pytest.mark.parametrize("text", ["add a 🐳", "أضف حوتًا خلف الغواصين", "הוסף לווייתן", "👨‍👩‍👧 waving", "鯨を追加"])
def test_text_of_the_world_passes_unchanged(text):
    assert clean_instruction(text) == text


def test_lines_and_control_characters_go():
    assert clean_instruction("  add\n a\x00 red\x1b\tball\x07 \x7f\ud800") == "add a red ball"


@pytest.mark.parametrize("text", ["", " \n\t", "\x00\x01", "...", "\u200d\u200f", "—"])
def test_empty_is_refused(text):
    with pytest.raises(BadRequest, match="empty"):
        clean_instruction(text)


def test_the_limit_is_named():
    assert clean_instruction("a" * LONGEST_INSTRUCTION)
    with pytest.raises(BadRequest, match="10000 characters; the limit is 2000"):
        clean_instruction("a" * 10_000)


@given(st.text(max_size=80))
def test_any_text_gives_a_plan_or_a_clear_error(text):
    try:
        plan = OfflineAssistant().plan(text).plan
    except Problem as error:
        assert error.what and error.remedy
    else:
        assert plan.target_object.strip() and plan.composite_caption.encode()
