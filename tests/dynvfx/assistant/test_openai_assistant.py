import base64
import json
import socket
from dataclasses import replace

import cv2
import numpy as np
import pytest

from contract.errors import BadRequest
from contract.plan import Plan
from dynvfx.assistant.endpoint import find_endpoint
from dynvfx.assistant.loading import open_assistant
from dynvfx.assistant.openai_assistant import OpenAIAssistant
from dynvfx.errors import AssistantFailed
from tests.dynvfx.assistant.fake_server import OBJECTS, SCENE, Answer, FakeServer, fails, reply

KEY = "sk-very-secret-4711"
FRAMES = [np.full((1080, 1920, 3), (200, 40, 40 * i), np.uint8) for i in range(3)]
SETTINGS = ("DYNVFX_ASSISTANT_", "OPENAI_")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith(SETTINGS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    fake = FakeServer()
    yield fake
    fake.close()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def assistant(server, slept):
    return OpenAIAssistant("seer", server.url, KEY, timeout=5, retries=2, sleep=slept.append, clock=lambda: 784111777.0)


def test_two_calls_make_a_plan(server, assistant):
    server.answers = [reply(SCENE), reply(OBJECTS)]
    planned = assistant.plan("add a massive whale behind the divers", FRAMES)
    assert planned.plan == Plan(
        instruction="add a massive whale behind the divers",
        **SCENE,
        source_objects=("divers", "reef"),
        target_object="massive whale",
        scope="object",
        assistant="openai:seer",
    )
    assert (planned.prompt_tokens, planned.completion_tokens) == (200, 40)
    assert server.keys == [f"Bearer {KEY}"] * 2
    assert Plan.from_json(planned.plan.to_json()) == planned.plan


def test_frames_travel_as_small_jpegs(server, assistant):
    server.answers = [reply(SCENE), reply(OBJECTS)]
    assistant.plan("add a whale", FRAMES)
    for request in server.requests:
        pictures = [part for part in request["messages"][1]["content"] if part["type"] == "image_url"]
        assert len(pictures) == 3
        kind, data = pictures[0]["image_url"]["url"].split(",", 1)
        assert kind == "data:image/jpeg;base64"
        decoded = cv2.cvtColor(cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1), cv2.COLOR_BGR2RGB)
        assert decoded.shape == (432, 768, 3)
        assert np.abs(decoded.astype(int) - (200, 40, 0)).max() < 8
    second = server.requests[1]["messages"][1]["content"][-1]["text"]
    assert SCENE["source_caption"] in second and SCENE["composite_caption"] in second


def test_the_artist_decides_the_scope(server, assistant):
    server.answers = [reply(SCENE), reply(OBJECTS)]
    assert assistant.plan("add a whale", FRAMES, scope="full_frame").plan.scope == "full_frame"


def test_thinking_and_fences_are_looked_past(server, assistant):
    thinking = '<think>maybe {"source_caption": 1}</think>Here you are:\n```json\n' + json.dumps(SCENE) + "\n```"
    server.answers = [reply(thinking), reply(OBJECTS)]
    assert assistant.plan("add a whale", FRAMES).plan.source_caption == SCENE["source_caption"]


@pytest.mark.parametrize(
    "wrong",
    [
        "I am sorry, what?",
        '{"source_caption": "cut of',
        {**SCENE, "composite_caption": ""},
        {**SCENE, "composite_caption": "Now there is a whale."},
        {**SCENE, "composite_caption": SCENE["source_caption"]},
        {**SCENE, "source_caption": "x" * 4000},
    ],
)
def test_one_wrong_answer_is_repaired(server, assistant, wrong):
    server.answers = [reply(wrong), reply(SCENE), reply(OBJECTS)]
    assert assistant.plan("add a whale", FRAMES).plan.composite_caption == SCENE["composite_caption"]
    repair = server.requests[1]["messages"]
    assert [message["role"] for message in repair] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize(
    "wrong",
    [
        {**OBJECTS, "target_object": " "},
        {**OBJECTS, "source_objects": "divers"},
        {**OBJECTS, "source_objects": ["a"] * 30},
        {**OBJECTS, "scope": "both"},
    ],
)
def test_wrong_objects_are_repaired_too(server, assistant, wrong):
    server.answers = [reply(SCENE), reply(wrong), reply(OBJECTS)]
    assert assistant.plan("add a whale", FRAMES).plan.source_objects == ("divers", "reef")


def test_two_wrong_answers_are_an_error(server, assistant):
    server.answers = [reply("no"), reply("still no")]
    with pytest.raises(AssistantFailed, match="no usable plan") as caught:
        assistant.plan("add a whale", FRAMES)
    assert "offline" in caught.value.remedy


@pytest.mark.parametrize("answer", [reply("", refusal="I cannot help with that."), reply("", finish="content_filter")])
def test_a_refusal_is_said(server, assistant, answer):
    server.answers = [answer]
    with pytest.raises(AssistantFailed, match="refused"):
        assistant.plan("add a whale", FRAMES)
    assert len(server.requests) == 1


def test_a_server_without_structured_outputs_is_asked_plainly_and_remembered(server, assistant):
    refusal = fails(400, "response_format is not supported")
    server.answers = [refusal, refusal, reply(SCENE), reply(OBJECTS)]
    assert assistant.plan("add a whale", FRAMES).plan.target_object == "massive whale"
    assert server.formats() == ["json_schema", "json_object", None, None]


def test_a_model_without_eyes_is_named(server, assistant):
    server.answers = [fails(400, "image_url is not supported by this model")] * 3
    with pytest.raises(AssistantFailed, match="image_url") as caught:
        assistant.plan("add a whale", FRAMES)
    assert "sees pictures" in caught.value.remedy


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"retry_after": "7"}, [7.0]),
        ({"retry_after": "Sun, 06 Nov 1994 08:49:47 GMT"}, [10.0]),
        ({}, [1.0]),
        ({"retry_after": "soon"}, [1.0]),
    ],
)
def test_a_busy_server_is_asked_again_when_it_says(server, assistant, slept, headers, waits):
    server.answers = [fails(429, "slow down", **headers), reply(SCENE), reply(OBJECTS)]
    assert assistant.plan("add a whale", FRAMES).plan.target_object == "massive whale"
    assert slept == waits


def test_retries_back_off_and_end(server, assistant, slept):
    server.answers = [fails(503, "loading")] * 3
    with pytest.raises(AssistantFailed, match="loading"):
        assistant.plan("add a whale", FRAMES)
    assert slept == [1.0, 2.0]


@pytest.mark.parametrize("headers", [{"retry_after": "86400"}])
def test_a_wait_of_a_day_is_cut(server, assistant, slept, headers):
    server.answers = [fails(429, "quota", **headers)]
    with pytest.raises(AssistantFailed, match="no more requests"):
        assistant.plan("add a whale", FRAMES)
    assert slept == []


def test_a_wrong_key_is_named_by_its_source_and_never_shown(server, monkeypatch, slept):
    monkeypatch.setenv("DYNVFX_ASSISTANT_URL", server.url)
    monkeypatch.setenv("DYNVFX_ASSISTANT_KEY", KEY)
    monkeypatch.setenv("DYNVFX_ASSISTANT_MODEL", "seer")
    server.answers = [fails(401, f"Incorrect API key provided: {KEY}.")]
    assistant = OpenAIAssistant(sleep=slept.append)
    with pytest.raises(AssistantFailed) as caught:
        assistant.plan("add a whale", FRAMES)
    assert "DYNVFX_ASSISTANT_KEY" in caught.value.what
    assert KEY not in str(caught.value) and KEY not in repr(assistant.endpoint)
    assert slept == []


def test_an_unknown_model_is_named(server, assistant):
    server.answers = [fails(404, "model not found")]
    with pytest.raises(AssistantFailed, match="'seer'"):
        assistant.plan("add a whale", FRAMES)


def test_a_silent_server_times_out(server, slept):
    server.answers = [Answer(hold=True)] * 2
    assistant = OpenAIAssistant("seer", server.url, KEY, timeout=0.2, retries=1, sleep=slept.append)
    with pytest.raises(AssistantFailed, match="within 0.2 seconds") as caught:
        assistant.plan("add a whale", FRAMES)
    assert "Tried 2 times" in caught.value.why
    assert slept == [1.0]


def test_no_server_suggests_the_offline_assistant(slept):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(AssistantFailed, match="cannot be reached") as caught:
        OpenAIAssistant("seer", url, KEY, retries=1, sleep=slept.append).plan("add a whale", FRAMES)
    assert "--assistant offline" in caught.value.remedy


@pytest.mark.parametrize("body", ["<html>hello</html>", {"hello": 1}, {"choices": []}, ""])
def test_something_else_than_a_chat_server_is_said(server, assistant, body):
    kind = "text/html" if isinstance(body, str) else "application/json"
    server.answers = [Answer(body, headers={"content-type": kind})]
    with pytest.raises(AssistantFailed, match="did not answer like a chat server"):
        assistant.plan("add a whale", FRAMES)


def test_broken_json_from_the_server_is_said(server, assistant):
    server.answers = [Answer('{"choices": [')]
    with pytest.raises(AssistantFailed, match="did not answer like a chat server"):
        assistant.plan("add a whale", FRAMES)


def test_emoji_and_right_to_left_text_arrive_unharmed(server, assistant):
    server.answers = [reply(SCENE), reply(OBJECTS)]
    instruction = "أضف حوتًا 🐳 👨‍👩‍👧"
    assert assistant.plan(instruction, FRAMES).plan.instruction == instruction
    assert instruction in server.requests[0]["messages"][1]["content"][-1]["text"]


def test_bad_requests_never_reach_the_server(server, assistant):
    with pytest.raises(BadRequest):
        assistant.plan("  ", FRAMES)
    with pytest.raises(BadRequest):
        assistant.plan("add a whale", [])
    assert server.requests == []


def test_settings_and_where_keys_go():
    ours = {"DYNVFX_ASSISTANT_URL": "http://box:8080/v1", "DYNVFX_ASSISTANT_MODEL": "m", "OPENAI_API_KEY": KEY}
    # A key for one service is never shown to another.
    assert find_endpoint(environment=ours).key != KEY
    theirs = {"OPENAI_BASE_URL": "http://proxy/v1", "OPENAI_MODEL": "m", "OPENAI_API_KEY": KEY}
    endpoint = find_endpoint(environment=theirs)
    assert (endpoint.url, endpoint.model, endpoint.key) == ("http://proxy/v1", "m", KEY)
    assert endpoint.key_origin == "the environment variable OPENAI_API_KEY"
    assert find_endpoint("other", "http://x/v1", "k", theirs) == replace(
        endpoint, url="http://x/v1", model="other", key="k", key_origin="the argument api_key"
    )
    with pytest.raises(AssistantFailed, match="No model"):
        find_endpoint(environment={"OPENAI_API_KEY": KEY})
    with pytest.raises(AssistantFailed, match="No key"):
        find_endpoint("m", environment={})


def test_open_assistant(server, monkeypatch):
    monkeypatch.setenv("DYNVFX_ASSISTANT_URL", server.url)
    assert open_assistant("openai:seer").name == "openai:seer"
    assert open_assistant("offline").name == "offline"
    with pytest.raises(BadRequest, match="'oracle'"):
        open_assistant("oracle")
