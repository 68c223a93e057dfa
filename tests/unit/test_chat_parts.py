"""The parts of an answer, folded into the message that a front end of the AI SDK would have."""

import pytest

from streamsite.chat.parts import Message, text_of, without_nul

TEXT = [
    {"type": "text-start", "id": "t"},
    {"type": "text-delta", "id": "t", "delta": "Hel"},
    {"type": "text-delta", "id": "t", "delta": "lo"},
]
CALL = {"toolCallId": "c", "toolName": "weather"}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (TEXT, [{"type": "text", "text": "Hello", "state": "streaming"}]),
        (
            [*TEXT, {"type": "text-end", "id": "t"}],
            [{"type": "text", "text": "Hello", "state": "done"}],
        ),
        ([{"type": "text-delta", "id": "never", "delta": "x"}], []),
        ([{"type": "start-step"}, {"type": "finish-step"}], [{"type": "step-start"}]),
        (
            [
                {"type": "tool-input-start", **CALL},
                {"type": "tool-input-available", **CALL, "input": {"city": "Bergen"}},
                {"type": "tool-output-available", "toolCallId": "c", "output": "Rain"},
            ],
            [
                {
                    "type": "tool-weather",
                    "toolCallId": "c",
                    "state": "output-available",
                    "input": {"city": "Bergen"},
                    "output": "Rain",
                }
            ],
        ),
        (
            [
                {"type": "tool-input-available", **CALL, "input": {}, "dynamic": True},
                {"type": "tool-output-error", "toolCallId": "c", "errorText": "No."},
            ],
            [
                {
                    "type": "dynamic-tool",
                    "toolName": "weather",
                    "toolCallId": "c",
                    "state": "output-error",
                    "input": {},
                    "errorText": "No.",
                }
            ],
        ),
        (
            [
                {"type": "data-city", "id": "d", "data": 1},
                {"type": "data-city", "id": "d", "data": 2},
                {"type": "data-city", "data": 3, "transient": True},
            ],
            [{"type": "data-city", "id": "d", "data": 2}],
        ),
        (
            [{"type": "source-url", "sourceId": "s", "url": "https://example.com"}],
            [{"type": "source-url", "sourceId": "s", "url": "https://example.com"}],
        ),
        ([{"type": "something-new", "text": "x"}], []),
    ],
)
def test_parts_become_a_message(parts, expected):
    assert Message(parts).parts == expected


def test_what_was_cut_short_is_finished():
    message = Message(TEXT)
    message.settle()
    assert message.parts == [{"type": "text", "text": "Hello", "state": "done"}]


def test_metadata_is_merged():
    message = Message(
        [
            {"type": "start", "messageMetadata": {"usage": {"in": 1}}},
            {"type": "message-metadata", "messageMetadata": {"usage": {"out": 2}, "model": "m"}},
        ]
    )
    assert message.metadata == {"usage": {"in": 1, "out": 2}, "model": "m"}


def test_the_text_of_a_message_is_that_of_its_text_parts():
    parts = [{"type": "text", "text": "a"}, {"type": "step-start"}, {"type": "text", "text": "b"}]
    assert text_of(parts) == "a\n\nb"


def test_nul_characters_are_left_out_everywhere():
    assert without_nul({"a\0": ["b\0", {"c": "d"}, 1]}) == {"a": ["b", {"c": "d"}, 1]}
