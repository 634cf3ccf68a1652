"""A model that answers instructions, in the prompt and with the sampling that its own directory names."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import torch
from transformers import (
    BatchEncoding,
    GenerationConfig,
    PreTrainedConfig,
    StoppingCriteria,
    StoppingCriteriaList,
)

from okapi_kedro.chat.pieces import Pieces
from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference, device
from okapi_kedro.training.prompt import ENGLISH, chat_template
from okapi_kedro.training.sampling import sampling_defaults

_INPUT = "['input']"
"""By this a chat template of ours takes the input; other templates know a message's content alone."""
USUAL_CONTEXT = 2048
"""Tokens that BLOOM and LLaMA read and write at most; BLOOM's configuration may not say so."""


def pipeline(model_path: str) -> "Assistant":
    """Loads a model to generate with, as Okapi's own code names it.

    `pipeline("data/06_models/ne/rlhf").generate(instruction="...", prompt_input="...")` is the answer.

    Args:
        model_path: a model directory or a hub id.

    Raises:
        UserError: when there is no model.
    """
    return Assistant(ModelReference(model_path))


class Assistant:
    """A loaded model. It knows no earlier turns: every instruction stands alone, as in its training.

    The prompt is the chat template of the model's directory, or Alpaca's where it has none; the sampling is that of its
    `generation_config.json` where that says how long an answer may be, and Okapi's otherwise.

    Args:
        model: which model.
    """

    def __init__(self, model: ModelReference) -> None:
        self.name = model.name
        self._tokenizer = model.tokenizer()
        self._template = self._tokenizer.chat_template or chat_template(ENGLISH)
        self._network = model.causal_lm().to(device()).eval()
        own: GenerationConfig = self._network.generation_config
        self._sampling = own if own.max_new_tokens else sampling_defaults(self._tokenizer)

    def generate(self, instruction: str, prompt_input: str = "") -> str:
        """The whole answer to an instruction; the arguments are those of `stream`."""
        return "".join(self.stream(instruction, prompt_input)).rstrip()

    def stream(self, instruction: str, prompt_input: str = "") -> Iterator[str]:
        """The answer to an instruction, some words at a time; closing the iterator stops the model.

        Args:
            instruction: what to do.
            prompt_input: what to do it with; most instructions need none.

        Raises:
            UserError: when the prompt is longer than the model can read.
        """
        prompt = self._prompt(instruction, prompt_input)
        pieces = Pieces(self._tokenizer)
        stop = Event()
        with ThreadPoolExecutor(1) as thread:
            writing = thread.submit(self._write, prompt, pieces, stop)
            try:
                yield from _from_the_first_word(pieces)
                writing.result()
            finally:
                stop.set()

    def _prompt(self, instruction: str, prompt_input: str) -> BatchEncoding:
        message = {"role": "user", "content": instruction, "input": prompt_input}
        if prompt_input and _INPUT not in self._template:
            message = {"role": "user", "content": f"{instruction}\n\n{prompt_input}"}
        text: str = self._tokenizer.apply_chat_template(
            [message], chat_template=self._template, add_generation_prompt=True, tokenize=False
        )
        # Tokenized as in training; a template of others may write the first token itself.
        opens_itself = bool(self._tokenizer.bos_token) and text.startswith(self._tokenizer.bos_token)
        prompt: BatchEncoding = self._tokenizer(text, add_special_tokens=not opens_itself, return_tensors="pt")
        tokens, most = prompt["input_ids"].shape[1], _context(self._network.config) - self._sampling.max_new_tokens
        if tokens > most:
            raise UserError(
                f"that is {tokens:,} tokens with the prompt around it; the model reads {most:,}: shorten it"
            )
        return prompt.to(self._network.device)

    def _write(self, prompt: BatchEncoding, pieces: Pieces, stop: Event) -> None:
        try:
            self._network.generate(
                **prompt,
                generation_config=self._sampling,
                streamer=pieces,
                stopping_criteria=StoppingCriteriaList([_Stopped(stop)]),
            )
        except Exception:
            # Who reads the pieces would wait for ever.
            pieces.end()
            raise


class _Stopped(StoppingCriteria):
    """Ends the generation at the next token once an event is set."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: Any) -> torch.BoolTensor:
        stopped: torch.BoolTensor = torch.full((len(input_ids),), self._event.is_set(), device=input_ids.device)
        return stopped


def _from_the_first_word(pieces: Iterable[str]) -> Iterator[str]:
    """The text without the white space before it: a response follows its prompt after a space."""
    text = iter(pieces)
    for piece in text:
        if opening := piece.lstrip():
            yield opening
            break
    yield from (piece for piece in text if piece)


def _context(configuration: PreTrainedConfig) -> int:
    """How many tokens a model reads and writes at most."""
    names = ("max_position_embeddings", "n_positions", "seq_length")
    known = (getattr(configuration, name, None) for name in names)
    return next((int(length) for length in known if length), USUAL_CONTEXT)
