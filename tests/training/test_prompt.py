"""The prompt is Alpaca's, letter by letter."""

import pytest

from okapi_kedro.training.prompt import completion_of, prompt_of


def test_a_prompt_without_input_is_alpacas_short_frame():
    assert prompt_of("Name a colour.", "") == (
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n"
        "\n"
        "### Instruction:\n"
        "Name a colour.\n"
        "\n"
        "### Response:"
    )


def test_a_prompt_with_input_is_alpacas_long_frame():
    assert prompt_of("अनुवाद गर:", "दूध सेतो छ।") == (
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        "Write a response that appropriately completes the request.\n"
        "\n"
        "### Instruction:\n"
        "अनुवाद गर:\n"
        "\n"
        "### Input:\n"
        "दूध सेतो छ।\n"
        "\n"
        "### Response:"
    )


@pytest.mark.parametrize("text", ["{instruction}", "{input}", "{0}", "{", "}}", "\\n %s {x!r:>9}"])
def test_braces_in_a_text_are_text(text):
    assert f"### Instruction:\n{text}\n" in prompt_of(text, "")
    assert f"### Instruction:\na {text}\n\n### Input:\n{text}\n" in prompt_of(f"a {text}", text)


def test_a_completion_follows_the_prompt_after_one_space():
    assert prompt_of("a", "") + completion_of("हरियो") == prompt_of("a", "") + " हरियो"
