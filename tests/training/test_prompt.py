"""The prompt is Alpaca's, letter by letter, or the same in a language's own words."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from okapi_kedro.errors import UserError
from okapi_kedro.languages import LANGUAGES
from okapi_kedro.text.language_detection import wrong_language
from okapi_kedro.training.prompt import (
    ENGLISH,
    PromptTemplate,
    chat_template,
    completion_of,
    prompt_of,
    prompt_template,
)

FRAMES = Path(__file__).parents[2] / "data" / "01_raw" / "frames"
TEXTS = [
    "{instruction}",
    "{input}",
    "{0}",
    "{",
    "}}",
    "\\n %s {x!r:>9}",
    "### Response:",
    "a\r\n\tb\n",
    "\ue000",
    "𝟙🦒",
]
PLAIN = PromptTemplate(task="t", task_with_input="ti", instruction="# n:", input="# e:", response="# r:")


def shipped() -> dict:
    """The frames of the project by language, not yet read."""
    return {path.stem: lambda path=path: path.read_text(encoding="utf-8") for path in FRAMES.glob("*.json")}


def test_a_prompt_without_input_is_alpacas_short_frame():
    assert prompt_of("Name a colour.", "", ENGLISH) == (
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n"
        "\n"
        "### Instruction:\n"
        "Name a colour.\n"
        "\n"
        "### Response:"
    )


def test_a_prompt_with_input_is_alpacas_long_frame():
    assert prompt_of("अनुवाद गर:", "दूध सेतो छ।", ENGLISH) == (
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


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("template", [ENGLISH, PLAIN], ids=["english", "plain"])
def test_a_text_stands_in_the_prompt_as_it_is(text, template):
    assert prompt_of(text, "", template) == f"{template.task}\n\n{template.instruction}\n{text}\n\n{template.response}"
    assert prompt_of(text, f"a {text}", template) == (
        f"{template.task_with_input}\n\n{template.instruction}\n{text}\n\n{template.input}\na {text}\n\n"
        f"{template.response}"
    )


def test_a_completion_follows_the_prompt_after_one_space():
    assert prompt_of("a", "", ENGLISH) + completion_of("हरियो") == prompt_of("a", "", ENGLISH) + " हरियो"


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("template", [ENGLISH, PLAIN], ids=["english", "plain"])
def test_the_chat_template_writes_the_same_prompts(text, template):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"<unk>": 0}, unk_token="<unk>")))
    tokenizer.chat_template = chat_template(template)

    def prompt(**message):
        return tokenizer.apply_chat_template([{"role": "user", **message}], tokenize=False)

    assert prompt(content=text) == prompt(content=text, input="") == prompt_of(text, "", template)
    assert prompt(content=text, input=f"a {text}") == prompt_of(text, f"a {text}", template)


def test_the_english_frame_reads_no_file():
    assert all(prompt_template("english", code, {}) == ENGLISH for code in LANGUAGES)
    assert prompt_template("native", "en", {}) == ENGLISH


def test_a_native_prompt_is_in_the_words_of_the_file():
    template = prompt_template("native", "de", shipped())
    assert prompt_of("Nenne eine Farbe.", "rot, grün", template) == (
        "Nachfolgend steht eine Anweisung, die eine Aufgabe beschreibt, zusammen mit einer Eingabe, die weiteren "
        "Kontext liefert. Schreibe eine Antwort, die die Anfrage angemessen erfüllt.\n"
        "\n"
        "### Anweisung:\n"
        "Nenne eine Farbe.\n"
        "\n"
        "### Eingabe:\n"
        "rot, grün\n"
        "\n"
        "### Antwort:"
    )


def test_every_language_but_english_has_a_frame_of_its_own():
    assert set(shipped()) == set(LANGUAGES) - {"en"}
    templates = [prompt_template("native", code, shipped()) for code in LANGUAGES]
    assert len({template.task for template in templates}) == len(LANGUAGES)


@pytest.mark.parametrize("code", sorted(set(LANGUAGES) - {"en"}))
def test_a_frame_is_in_its_language_and_every_prompt_of_it_can_be_told_from_the_others(code):
    template = prompt_template("native", code, shipped())
    for sentence in (template.task, template.task_with_input):
        assert wrong_language(sentence, LANGUAGES[code], source=ENGLISH.task) is None
    headings = [template.instruction, template.input, template.response]
    assert all(heading.startswith("### ") and heading[-1] in ":：" for heading in headings)
    assert len({*headings, template.task, template.task_with_input}) == 5


def test_a_language_without_a_frame_is_an_error_that_names_the_file_to_write():
    with pytest.raises(UserError, match=r"'gu'.*write data/01_raw/frames/gu\.json with the fields task, .*response"):
        prompt_template("native", "gu", shipped())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": None}, r"frames/ne\.json: task: "),
        ({"task": ""}, r"frames/ne\.json: task: "),
        ({"input": "### Input: "}, r"frames/ne\.json: input: "),
        ({"response": "two\nlines"}, r"frames/ne\.json: response: "),
        ({"respones": "### R:"}, r"frames/ne\.json: respones: "),
    ],
)
def test_a_broken_field_is_an_error_of_one_line_that_names_file_and_field(change, message):
    text = json.dumps({**PLAIN.model_dump(), **change})
    with pytest.raises(UserError, match=message) as caught:
        prompt_template("native", "ne", {"ne": lambda: text})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '"a"', "null", "\ufeff{}"])
def test_a_file_that_is_no_frame_is_an_error_of_one_line(text):
    with pytest.raises(UserError, match=r"frames/ne\.json: ") as caught:
        prompt_template("native", "ne", {"ne": lambda: text})
    assert "\n" not in str(caught.value)


def test_only_the_frame_that_is_asked_for_is_read():
    def unread() -> str:
        raise AssertionError

    files = {"ne": PLAIN.model_dump_json, "vi": unread}
    assert prompt_template("native", "ne", files) == PLAIN


def test_a_template_cannot_be_changed():
    with pytest.raises(ValidationError):
        PLAIN.task = "other"
