"""An assistant asks its model in the prompt of its directory, streams what it writes, and stops when told to."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import GenerationConfig

from okapi_kedro.chat import Assistant, pipeline
from okapi_kedro.chat.pieces import Pieces
from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import train_tokenizer
from okapi_kedro.training.prompt import ENGLISH, prompt_of

from .conftest import NEPALI


@pytest.fixture
def assistant(model_folder: Path) -> Assistant:
    return pipeline(str(model_folder))


def asked(assistant: Assistant, monkeypatch: pytest.MonkeyPatch, *texts: str) -> tuple[str, GenerationConfig]:
    """The prompt that the model reads, and how it is told to sample."""
    seen: dict[str, Any] = {}

    def generate(**arguments: Any) -> None:
        seen.update(arguments)
        arguments["streamer"].end()

    monkeypatch.setattr(assistant._network, "generate", generate)
    assistant.generate(*texts)
    return assistant._tokenizer.decode(seen["input_ids"][0]), seen["generation_config"]


@pytest.mark.parametrize("prompt_input", ["", "काठमाडौं"])
def test_the_prompt_and_the_sampling_are_those_of_the_models_directory(assistant, monkeypatch, prompt_input) -> None:
    prompt, sampling = asked(assistant, monkeypatch, "राजधानी?", prompt_input)
    assert prompt == prompt_of("राजधानी?", prompt_input, NEPALI)
    assert (sampling.do_sample, sampling.top_k, sampling.top_p, sampling.max_new_tokens) == (True, 40, 0.75, 256)


def test_a_model_without_template_and_sampling_gets_okapis(assistant, tmp_path, monkeypatch) -> None:
    assistant._tokenizer.chat_template = None
    assistant._tokenizer.save_pretrained(tmp_path)
    assistant._network.generation_config = GenerationConfig()
    assistant._network.save_pretrained(tmp_path)
    prompt, sampling = asked(pipeline(str(tmp_path)), monkeypatch, "What?", "it")
    assert prompt == prompt_of("What?", "it", ENGLISH)
    assert (sampling.do_sample, sampling.top_k, sampling.top_p, sampling.max_new_tokens) == (True, 40, 0.75, 256)


def test_a_template_of_others_that_knows_no_input_has_it_below_the_instruction(
    assistant, tmp_path, monkeypatch
) -> None:
    assistant._tokenizer.chat_template = "{{ bos_token }}U: {{ messages[0]['content'] }} A:"
    assistant._tokenizer.save_pretrained(tmp_path)
    assistant._network.save_pretrained(tmp_path)
    prompt, _ = asked(pipeline(str(tmp_path)), monkeypatch, "What?", "it")
    assert prompt == f"{assistant._tokenizer.bos_token}U: What?\n\nit A:"


@pytest.mark.parametrize("template", [None, "{{ bos_token }}U: {{ messages[0]['content'] }} A:"])
def test_a_first_token_that_the_tokenizer_adds_stands_once(assistant, monkeypatch, template) -> None:
    tokenizer = assistant._tokenizer
    bos = (tokenizer.bos_token, tokenizer.bos_token_id)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=f"{bos[0]} $A", special_tokens=[bos])
    monkeypatch.setattr(assistant, "_template", template or assistant._template)
    prompt, _ = asked(assistant, monkeypatch, "What?")
    assert prompt.startswith(bos[0])
    assert prompt.count(bos[0]) == 1


def test_an_answer_is_what_the_model_generates_alone(assistant: Assistant) -> None:
    torch.manual_seed(5)
    answer = assistant.generate(instruction="What is it?", prompt_input="")
    torch.manual_seed(5)
    inputs = assistant._tokenizer(prompt_of("What is it?", "", NEPALI), return_tensors="pt")
    tokens = assistant._network.generate(**inputs)[0, inputs["input_ids"].shape[1] :]
    assert answer == assistant._tokenizer.decode(tokens, skip_special_tokens=True).strip()
    assert len(answer) > 100


def test_an_answer_comes_in_pieces_without_white_space_before_it(assistant: Assistant) -> None:
    torch.manual_seed(5)
    pieces = list(assistant.stream("What is it?"))
    assert len(pieces) > 20
    assert pieces[0] == pieces[0].lstrip()
    torch.manual_seed(5)
    assert "".join(pieces).rstrip() == assistant.generate("What is it?")


def test_who_stops_reading_stops_the_model(assistant: Assistant) -> None:
    # It would go on to the last token: no token ends a text.
    endless = GenerationConfig(max_new_tokens=1000, eos_token_id=-1, pad_token_id=0)
    assistant._sampling = assistant._network.generation_config = endless
    passes: list[int] = []
    assistant._network.register_forward_hook(lambda *_: passes.append(1))
    pieces = assistant.stream("What is it?")
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert 0 < len(passes) < 500


def test_an_error_while_the_model_writes_comes_to_the_reader(assistant: Assistant, monkeypatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(assistant._network, "generate", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        list(assistant.stream("What is it?"))


def test_a_prompt_that_leaves_no_room_for_the_answer_is_refused_before_the_model_runs(assistant, monkeypatch) -> None:
    monkeypatch.setattr(assistant._network, "generate", None)
    with pytest.raises(UserError, match=r"that is 18,\d{3} tokens .* the model reads 1,792: shorten it"):
        list(assistant.stream("राजधानी " * 3000))


def test_a_context_that_the_configuration_names_is_kept(assistant: Assistant) -> None:
    assistant._network.config.seq_length = 300
    with pytest.raises(UserError, match="the model reads 44: shorten it"):
        assistant.generate("राजधानी " * 40)


def test_a_directory_without_a_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot load the model") as caught:
        Assistant(ModelReference(str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_pieces_hold_whole_letters_only_and_make_up_the_text() -> None:
    tokenizer = train_tokenizer(["abc"], 300)
    text = "नेपालको राजधानी: 北京 🦒 ok\n"
    tokens = tokenizer(text)["input_ids"]
    assert len(tokens) > len(text)
    pieces = Pieces(tokenizer)
    pieces.put(torch.tensor([[1, 2, 3]]))
    for token in tokens:
        pieces.put(torch.tensor([token]))
    pieces.end()
    given = [piece for piece in pieces if piece]
    assert "".join(given) == text
    assert len(given) == len(text)


def test_a_text_that_ends_in_half_a_letter_ends_with_a_sign_for_it() -> None:
    tokenizer = train_tokenizer(["abc"], 300)
    pieces = Pieces(tokenizer)
    pieces.put(torch.tensor([[1]]))
    for token in tokenizer("a🦒")["input_ids"][:-1]:
        pieces.put(torch.tensor([token]))
    pieces.end()
    assert "".join(pieces) == "a\ufffd"
