"""How alike a model represents a text in a language and its English original, layer by layer."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import cosine_similarity
from transformers import PreTrainedModel, PreTrainedTokenizerBase

FIELDS = ["instruction", "input", "output"]


def parallel_texts(translated: pd.DataFrame, english: pd.DataFrame, most_rows: int, seed: int) -> pd.DataFrame:
    """Some rows with the whole text of each in both languages, the same rows in every language that has them.

    Args:
        translated: columns id, instruction, input and output.
        english: the originals, with the same columns.
        most_rows: how many rows at most.
        seed: draws them, by their ids alone.

    Returns:
        Columns id, text and english.
    """
    paired = translated.merge(english, on="id", suffixes=("", "_english"))
    order = paired["id"].map(lambda id: hashlib.sha256(f"{seed} {id}".encode()).hexdigest()).sort_values().index
    drawn = paired.loc[order[:most_rows]]
    texts = {
        name: ["\n".join(filter(None, row)) for row in drawn[columns].itertuples(index=False, name=None)]
        for name, columns in (("text", FIELDS), ("english", [f"{field}_english" for field in FIELDS]))
    }
    return pd.DataFrame({"id": drawn["id"].to_list(), **texts}, dtype="str")


def english_similarity(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    english: Sequence[str],
    *,
    batch_size: int,
    max_length: int,
) -> pd.DataFrame:
    """The cosine between a text's mean state and that of its English original, in every layer.

    The states of one model point much the same way whatever a text says, so a cosine means little by itself: beside it
    stands what the same texts have with the English original of the next text, to which they are no translation.

    Source: Language Ranker (Li et al., arXiv 2404.11553), which takes the state of the last token; here it is the mean
    over all tokens that are not special, as the last one of an instruction is mostly a full stop.

    Args:
        model: a causal language model, where it is to run.
        tokenizer: its own, with a padding token.
        texts: in the language.
        english: their originals, in the same order.
        batch_size: texts in one forward pass; memory depends on it, on max_length and on the model alone.
        max_length: tokens that are read of each text.

    Returns:
        One row per layer, the embeddings being layer 0: layer, similarity, the mean cosine, with its stderr,
        unrelated, the mean cosine with the next text's original, and n, the texts. Of one text stderr and unrelated
        are nan; without texts there are no rows.
    """
    compared = (texts, english, [*english[1:], *english[:1]])
    parts = [
        _cosines(*(_mean_states(model, tokenizer, each[start : start + batch_size], max_length) for each in compared))
        for start in range(0, len(texts), batch_size)
    ]
    own, unrelated = torch.cat(parts, dim=2).double().numpy() if parts else np.empty((2, 0, 1))  # no layers
    n = own.shape[1]
    return pd.DataFrame(
        {
            "layer": np.arange(len(own)),
            "similarity": own.mean(axis=1),
            "stderr": own.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.nan,
            "unrelated": unrelated.mean(axis=1) if n > 1 else np.nan,
            "n": n,
        }
    )


def _cosines(texts: torch.Tensor, english: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """What each text has with its original and with another text's, of shape (2, layers, texts)."""
    return torch.stack([cosine_similarity(texts, each, dim=2) for each in (english, others)]).cpu()


def _mean_states(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int
) -> torch.Tensor:
    """The mean state of each text's tokens in every layer, of shape (layers, texts, hidden); 0 where it has none."""
    encoded = tokenizer(
        list(texts),
        padding=True,
        padding_side="right",
        truncation=True,
        max_length=max_length,
        return_special_tokens_mask=True,
        return_tensors="pt",
    ).to(model.device)
    mask = encoded["attention_mask"]
    with torch.inference_mode():
        states = model.base_model(
            input_ids=encoded["input_ids"], attention_mask=mask, output_hidden_states=True, use_cache=False
        ).hidden_states
    kept = (mask * (1 - encoded["special_tokens_mask"])).float()
    weights = kept / kept.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.stack([torch.einsum("rt,rth->rh", weights, layer.float()) for layer in states])
