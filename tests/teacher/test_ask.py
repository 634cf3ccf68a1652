from dataclasses import dataclass, field, replace

import pytest

from okapi_kedro.teacher.ask import Answer, MalformedAnswer, Requests, ask
from okapi_kedro.teacher.messages import Completion, Sampling

from .endpoint import request_for


@dataclass
class ScriptedTeacher:
    """Answers `<text>/<sample>` and remembers the rounds it was asked in."""

    rounds: list[list[tuple[str, int]]] = field(default_factory=list)

    def stream(self, requests, stage, language):
        self.rounds.append([])
        for request in requests:
            text = request.messages[-1]["content"]
            self.rounds[-1].append((text, request.sample))
            yield Completion(f"{text}/{request.sample}", "stop", 1, 1)


def from_sample(least):
    """Parses to upper case, but takes question i only from sample `least[i]` on."""

    def parse(i, completion):
        if int(completion.text.split("/")[1]) < least[i]:
            raise MalformedAnswer(f"too early: {completion.text}")
        return completion.text.upper()

    return parse


def test_a_greedy_answer_that_was_malformed_is_drawn_the_next_time():
    seen = []

    class Remembering(ScriptedTeacher):
        def stream(self, requests, stage, language, ahead=None):
            seen.extend(request.sampling.temperature for request in requests)
            return super().stream(requests, stage, language)

    for temperature in (0.0, 1.0):
        request = replace(request_for("a"), sampling=Sampling(temperature, 1.0, 10))
        ask(Remembering(), [request], from_sample([2]), attempts=3, stage="s", language="ne")
    assert seen == [0.0, 0.5, 0.5, 1.0, 1.0, 1.0]


def test_only_malformed_answers_are_asked_again_with_the_next_sample():
    teacher = ScriptedTeacher()
    requests = [request_for("a"), request_for("b", sample=5), request_for("c")]
    answers = ask(teacher, requests, from_sample([0, 6, 2]), attempts=4, stage="s", language="ne")
    assert teacher.rounds == [[("a", 0), ("b", 5), ("c", 0)], [("b", 6), ("c", 1)], [("c", 2)]]
    assert answers == [
        Answer("A/0", "", "", 1),
        Answer("B/6", "", "", 2),
        Answer("C/2", "", "", 3),
    ]


def test_a_request_is_made_only_when_it_is_sent():
    made = []

    def make(text):
        made.append(text)
        return request_for(text)

    class OneByOne(ScriptedTeacher):
        def stream(self, requests, stage, language):
            for number, completion in enumerate(super().stream(requests, stage, language), start=1):
                assert len(made) == number
                yield completion

    answers = ask(OneByOne(), Requests(make, ["a", "b"]), from_sample([0, 0]), attempts=1, stage="s", language="ne")
    assert [answer.value for answer in answers] == ["A/0", "B/0"]


def test_after_the_last_attempt_the_last_text_and_reason_are_kept():
    answers = ask(ScriptedTeacher(), [request_for("a")], from_sample([9]), attempts=2, stage="s", language="ne")
    assert answers == [Answer(None, "too early: a/1", "a/1", 2)]


def test_a_value_of_none_is_a_value():
    teacher = ScriptedTeacher()
    answers = ask(teacher, [request_for("a")], lambda i, completion: None, attempts=3, stage="s", language="ne")
    assert answers == [Answer(None, "", "", 1)]
    assert len(teacher.rounds) == 1


def test_an_error_of_the_parser_is_no_malformed_answer():
    with pytest.raises(ZeroDivisionError):
        ask(ScriptedTeacher(), [request_for("a")], lambda i, completion: 1 // 0, attempts=3, stage="s", language="ne")


def test_no_requests_have_no_answers():
    assert ask(ScriptedTeacher(), [], from_sample([]), attempts=3, stage="s", language="ne") == []
