"""Log-likelihoods of options that follow the same context, which goes through the model once.

lm-eval's HFLM runs the whole context again before every option. Here a context is encoded into a KV cache, a few-shot
prefix that all contexts begin with only once for all of them; then each option is one short forward pass on that cache:
the last token of the context, which predicts the first of the option, and the option without its last token.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import takewhile

import torch
from lm_eval.models.huggingface import HFLM
from torch.nn import functional
from tqdm import tqdm
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from okapi_kedro.errors import UserError

Tokens = tuple[int, ...]
Answer = tuple[float, bool]
PIECE = 512


@dataclass(frozen=True)
class SharedContext:
    """A context and the options to score after it.

    Args:
        tokens: the context, at least one token, as much of its end as fits into the model.
        cut: whether that is not all of it.
        options: places of the requests and their options, by what is fed of the option: all but its last token.
    """

    tokens: Tokens
    cut: bool
    options: dict[Tokens, list[tuple[int, Tokens]]]


@dataclass(frozen=True)
class EncodedContexts:
    """Contexts that went through the model together.

    Args:
        contexts: as many as there are rows in the cache.
        prefix: number of tokens that they all begin with.
        cache: of all their tokens but the last; after the prefix they are padded on the right.
    """

    contexts: Sequence[SharedContext]
    prefix: int
    cache: DynamicCache


class _EncodedRows(DynamicLayer):
    """Some rows of a layer's cache, any number of times; what is fed after them is not kept."""

    def __init__(self, layer: DynamicLayer, rows: torch.Tensor) -> None:
        super().__init__()
        self.lazy_initialization(layer.keys, layer.values)
        self.keys, self.values, self.rows = layer.keys, layer.values, rows

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return (
            torch.cat([self.keys[self.rows], key_states], dim=-2),
            torch.cat([self.values[self.rows], value_states], dim=-2),
        )


def _continued(encoded: DynamicCache, rows: torch.Tensor) -> Cache:
    """A cache for one forward pass after some rows of another, which stays as it is."""
    if not encoded.get_seq_length():
        return DynamicCache()
    return Cache(layers=[_EncodedRows(layer, rows) for layer in encoded.layers])


class SharedContextLM(HFLM):
    """HFLM with the same log-likelihoods and greedy flags at a fraction of the work; for causal models, one device.

    Its batch size is that of contexts, then that of options after them. It holds the KV cache of so many contexts, but
    never their logits, which for a large vocabulary take several times that memory.
    """

    def _loglikelihood_tokens(
        self,
        requests: Sequence[tuple[tuple[str, str], list[int], list[int]]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[Answer]:
        """Log-likelihood of each option after its context, and whether greedy decoding would write it.

        Args:
            requests: texts, tokens of the context (at least one), tokens of the option.
            disable_tqdm: whether to show no progress.
            override_bs: contexts in a forward pass instead of the model's batch size.

        Raises:
            UserError: when an option has no token of its own, or does not fit into the model.
        """
        contexts = shared_contexts([(context, option) for _, context, option in requests], self.max_length)
        rows = int(override_bs or self.batch_size)
        answers: dict[int, Answer] = {}
        with (
            torch.no_grad(),
            torch.autocast(
                self.device.type, dtype=self.mixed_precision_dtype, enabled=self.mixed_precision_dtype is not None
            ),
            tqdm(total=len(requests), disable=disable_tqdm, desc="Scoring options") as progress,
        ):
            # What is cut off at the left no longer begins like the others.
            for alike in ([each for each in contexts if not each.cut], [each for each in contexts if each.cut]):
                prefix = common_prefix([context.tokens[:-1] for context in alike])
                prefix_cache = DynamicCache()
                self._encode([prefix], prefix_cache)
                for start in range(0, len(alike), rows):
                    encoded = self._encoded(alike[start : start + rows], len(prefix), prefix_cache)
                    of_batch = dict(self._answers(encoded, rows))
                    answers |= of_batch
                    progress.update(len(of_batch))
        for place, (texts, *_) in enumerate(requests):
            self.cache_hook.add_partial("loglikelihood", texts, answers[place])
        return [answers[place] for place in range(len(requests))]

    def _encoded(self, batch: Sequence[SharedContext], prefix: int, prefix_cache: DynamicCache) -> EncodedContexts:
        """The contexts after their prefix, which has one row in its cache and stays as it is."""
        cache = deepcopy(prefix_cache)
        cache.batch_repeat_interleave(len(batch))
        self._encode([context.tokens[prefix:-1] for context in batch], cache)
        return EncodedContexts(batch, prefix, cache)

    def _answers(self, encoded: EncodedContexts, rows: int) -> Iterator[tuple[int, Answer]]:
        """Places and answers of the options of some contexts, so many options in a forward pass."""
        branches = [(row, option) for row, context in enumerate(encoded.contexts) for option in context.options]
        # Options of like length together, so that there is little to pad.
        branches.sort(key=lambda branch: -len(branch[1]))
        for start in range(0, len(branches), rows):
            fed = branches[start : start + rows]
            for (row, option), logits in zip(fed, self._logits(encoded, fed), strict=True):
                log_probs = functional.log_softmax(logits[: len(option) + 1], dim=-1, dtype=self.softmax_dtype)
                for place, whole in encoded.contexts[row].options[option]:
                    yield place, _answer(log_probs, torch.tensor(whole, device=self.device))

    def _logits(self, encoded: EncodedContexts, fed: Sequence[tuple[int, Tokens]]) -> torch.Tensor:
        """What the model predicts from the last token of a context on; shape (fed, longest + 1, vocabulary).

        Args:
            encoded: the contexts.
            fed: rows of contexts, with what is fed of an option.
        """
        own = [len(context.tokens) - 1 - encoded.prefix for context in encoded.contexts]
        rows = torch.tensor([row for row, _ in fed], device=self.device)
        tokens = self._padded([(encoded.contexts[row].tokens[-1], *option) for row, option in fed])
        filled = torch.tensor(own, device=self.device)[rows, None]
        seen = torch.arange(-encoded.prefix, max(own), device=self.device) < filled
        logits: torch.Tensor = self.model(
            tokens,
            attention_mask=torch.cat([seen, torch.ones_like(tokens, dtype=torch.bool)], dim=1).long(),
            position_ids=encoded.prefix + filled + torch.arange(tokens.shape[1], device=self.device),
            past_key_values=_continued(encoded.cache, rows),
            use_cache=True,
        ).logits
        return logits

    def _encode(self, rows: Sequence[Tokens], cache: DynamicCache) -> None:
        """Put the rows into the cache, after what it holds.

        Padding stands on the right, where no token of the row attends to it, so no mask is needed. Long rows go in
        pieces, since the attention scores of a whole one can take more memory than the cache.
        """
        for piece in self._padded(rows).split(PIECE, dim=1):
            if piece.numel():
                self.model(piece, past_key_values=cache, use_cache=True, logits_to_keep=1)

    def _padded(self, rows: Sequence[Tokens]) -> torch.Tensor:
        """The rows as one tensor, filled up on the right; shape (rows, longest)."""
        longest = max(len(row) for row in rows)
        return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], dtype=torch.long, device=self.device)


def shared_contexts(requests: Sequence[tuple[Sequence[int], Sequence[int]]], window: int) -> list[SharedContext]:
    """Requests by their context, the longest context first.

    Args:
        requests: tokens of each context and of its option.
        window: tokens that the model can take; the last of an option is predicted, never fed. A context that is too
            long for its option loses tokens on the left.

    Raises:
        UserError: when an option has no token, or more than the model can take.
    """
    grouped: dict[tuple[Tokens, bool], dict[Tokens, list[tuple[int, Tokens]]]] = {}
    for place, (context, option) in enumerate(requests):
        if not 0 < len(option) <= window:
            raise UserError(f"an option of {len(option)} tokens cannot be scored by a model that takes {window}")
        room = window + 1 - len(option)
        options = grouped.setdefault((tuple(context[-room:]), len(context) > room), {})
        options.setdefault(tuple(option[:-1]), []).append((place, tuple(option)))
    contexts = [SharedContext(tokens, cut, options) for (tokens, cut), options in grouped.items()]
    return sorted(contexts, key=lambda context: -len(context.tokens))


def common_prefix(rows: Sequence[Tokens]) -> Tokens:
    """The tokens that all rows begin with."""
    if not rows:
        return ()
    first, last = min(rows), max(rows)
    return tuple(mine for mine, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def _answer(log_probs: torch.Tensor, option: torch.Tensor) -> Answer:
    """Sum of the option's log-probabilities, and whether each of its tokens is the likeliest.

    Args:
        log_probs: of every token of the vocabulary at each token of the option; shape (option, vocabulary).
        option: its tokens.
    """
    chosen = log_probs.gather(-1, option[:, None]).squeeze(-1)
    return float(chosen.sum()), bool((log_probs.argmax(-1) == option).all())
