"""An answer in pieces, as soon as its tokens make whole letters."""

from collections.abc import Iterator
from queue import SimpleQueue

import torch
from transformers import PreTrainedTokenizerBase
from transformers.generation.streamers import BaseStreamer

_HALF_A_LETTER = "\ufffd"


class Pieces(BaseStreamer):
    """Takes tokens from `generate` in one thread and gives their text to another.

    transformers' own streamer waits for a space after a word, which some scripts and endings never bring; here only a
    letter that is still without its last bytes is waited for.

    Args:
        tokenizer: of the model.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] | None = None
        self._given = 0
        self._queue: SimpleQueue[str | None] = SimpleQueue()

    def put(self, value: torch.Tensor) -> None:
        """Takes the prompt, which is not given on, and then one token after the other."""
        if self._tokens is None:
            self._tokens = []
            return
        self._tokens += value.tolist()
        text = self._text()
        if not text.endswith(_HALF_A_LETTER):
            self._give(text)

    def end(self) -> None:
        """Gives what is left, half a letter too."""
        self._give(self._text())
        self._queue.put(None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._queue.get, None)

    def _text(self) -> str:
        text: str = self._tokenizer.decode(self._tokens or [], skip_special_tokens=True)
        return text

    def _give(self, text: str) -> None:
        self._queue.put(text[self._given :])
        self._given = len(text)
