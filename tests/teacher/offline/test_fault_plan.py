import hashlib
import json

import pytest
from pydantic import ValidationError

from okapi_kedro.errors import UserError
from okapi_kedro.teacher.offline.fault_plan import (
    ANSWER_FAULTS,
    TRANSPORT_FAULTS,
    FaultPlan,
    read_fault_plan,
    spoil_completion,
)
from okapi_kedro.teacher.offline.server import respond

DIGESTS = [hashlib.sha256(str(n).encode()).digest() for n in range(10_000)]
COMPLETION = respond({"messages": [{"role": "user", "content": "Who are you?"}]})


def test_each_transport_fault_strikes_at_its_rate():
    rates = {"rate_limited": 0.1, "overloaded": 0.05, "reset": 0.02}
    plan = FaultPlan(seed=3, **rates)
    struck = [plan.transport_fault(digest, 0) for digest in DIGESTS]
    assert {name: round(struck.count(name) / len(DIGESTS), 2) for name in rates} == rates
    assert set(struck) == {None, *rates}


def test_a_repeated_request_mostly_gets_through_and_a_run_is_reproducible():
    plan = FaultPlan(server_error=0.2)
    struck = [digest for digest in DIGESTS if plan.transport_fault(digest, 0)]
    again = [digest for digest in struck if plan.transport_fault(digest, 1)]
    assert len(again) / len(struck) == pytest.approx(0.2, abs=0.03)
    assert [plan.transport_fault(digest, 0) for digest in struck] == ["server_error"] * len(struck)


def test_another_seed_strikes_others():
    struck = [{d for d in DIGESTS if FaultPlan(seed=seed, empty=0.1).answer_fault(d)} for seed in (0, 1)]
    assert len(struck[0] & struck[1]) / len(struck[0]) == pytest.approx(0.1, abs=0.03)


def test_transport_and_answer_faults_are_drawn_apart():
    plan = FaultPlan(rate_limited=0.5, empty=0.5)
    both = [d for d in DIGESTS if plan.transport_fault(d, 0) and plan.answer_fault(d)]
    assert len(both) / len(DIGESTS) == pytest.approx(0.25, abs=0.02)


def test_a_rate_of_one_strikes_always_and_of_zero_never():
    certain, none = FaultPlan(broken_json=1, null=1, batch_failed=1, batch_request_error=1), FaultPlan()
    for digest in DIGESTS[:1000]:
        assert certain.transport_fault(digest, 0) == "broken_json"
        assert certain.answer_fault(digest) == "null"
        assert certain.batch_fault(digest, 0) == "batch_failed"
        assert certain.happens("batch_request_error", digest, 0)
        assert none.transport_fault(digest, 0) is none.answer_fault(digest) is none.batch_fault(digest, 0) is None
        assert not none.happens("batch_request_error", digest, 0)


def test_delays_spread_from_nothing_to_the_longest():
    delays = [FaultPlan(shuffle_seconds=2.0).delay(digest, 0) for digest in DIGESTS]
    assert 0 <= min(delays) < 0.01
    assert 1.99 < max(delays) < 2
    assert sum(delays) / len(delays) == pytest.approx(1.0, abs=0.02)
    assert FaultPlan().delay(DIGESTS[0], 0) == 0


@pytest.mark.parametrize("names", [TRANSPORT_FAULTS, ANSWER_FAULTS])
def test_rates_may_add_up_to_one_and_no_more(names):
    FaultPlan(**{name: 1 / len(names) for name in names})
    FaultPlan(**dict.fromkeys(names[:3], 0.1), **{names[3]: 0.7})
    with pytest.raises(ValidationError, match=r"add up to 1\.01, more than 1"):
        FaultPlan(**{names[0]: 0.5, names[1]: 0.51})


def test_answer_faults_change_the_answer_and_not_its_cost():
    text = COMPLETION["choices"][0]["message"]["content"]
    spoilt = {name: spoil_completion(COMPLETION, name) for name in ANSWER_FAULTS}
    found = {
        name: (one["choices"][0]["message"]["content"], one["choices"][0]["finish_reason"], one["id"])
        for name, one in spoilt.items()
    }
    first_id = COMPLETION["id"]
    assert found == {
        "empty": ("", "stop", first_id),
        "null": (None, "stop", first_id),
        "truncated": (text[: len(text) // 2], "length", first_id),
        "wrong_json": (text[:-1], "stop", first_id),
        "duplicate_id": (text, "stop", "chatcmpl-duplicate"),
    }
    assert all(one["usage"] == COMPLETION["usage"] for one in spoilt.values())
    assert spoil_completion(COMPLETION, None) == COMPLETION
    assert COMPLETION["choices"][0]["message"]["content"] == text


def test_json_with_the_fault_wrong_json_cannot_be_read():
    choice = COMPLETION["choices"][0]
    message = {**choice["message"], "content": '{"output": "नमस्ते"}\n'}
    spoilt = spoil_completion({**COMPLETION, "choices": [{**choice, "message": message}]}, "wrong_json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(spoilt["choices"][0]["message"]["content"])


def test_a_plan_comes_back_from_its_file(tmp_path):
    plan = FaultPlan(seed=5, reset=0.25, status=401, quota_after=0, retry_after=0.5, most_batch_requests=3)
    path = tmp_path / "faults.json"
    path.write_text(plan.model_dump_json())
    assert read_fault_plan(path) == plan
    path.write_text("{}")
    assert read_fault_plan(path) == FaultPlan()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"rest": 0.1}', "rest: Extra inputs are not permitted"),
        (b'{"reset": 1.5}', "reset: Input should be less than or equal to 1"),
        (b'{"reset": -0.1}', "reset: Input should be greater than or equal to 0"),
        (b'{"reset": NaN}', "reset: "),
        (b'{"reset": "0.5"}', "reset: Input should be a valid number"),
        (b'{"stall_seconds": Infinity}', "stall_seconds: "),
        (b'{"reset": 0.6, "stalled": 0.6}', "add up to 1.2"),
        (b'{"status": 200}', "status: "),
        (b"{", "Invalid JSON"),
        (b"", "Invalid JSON"),
        (b"[]", "Input should be an object"),
        (b"\xff\xfe", "Invalid JSON"),
    ],
)
def test_a_bad_plan_is_one_line_that_names_file_and_field(tmp_path, content, problem):
    path = tmp_path / "faults.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_fault_plan(path)
    assert str(caught.value).startswith(f"fault plan {path}: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plan_that_is_not_there_or_a_folder_is_one_line(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UserError, match=r"fault plan .*: (No such file|Is a directory)"):
            read_fault_plan(path)
