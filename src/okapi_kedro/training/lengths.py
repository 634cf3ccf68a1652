"""Keeps texts out of training that a model's length would cut off."""

from collections.abc import Sequence

import pandas as pd
from transformers import PreTrainedTokenizerBase


def token_counts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[int]:
    """The length of each text in tokens, without an end-of-text token."""
    return [len(ids) for ids in tokenizer(list(texts))["input_ids"]] if len(texts) else []


def set_aside_long(
    table: pd.DataFrame, lengths: Sequence[int], longest: int, key: Sequence[str] = ("id",)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that fit, and the others, each by its key and with the reason.

    Args:
        table: any rows.
        lengths: tokens of each row.
        longest: tokens that fit.
        key: columns that say which row was set aside.
    """
    fits = pd.Series([length <= longest for length in lengths], index=table.index, dtype="bool")
    aside = table.loc[~fits, list(key)].reset_index(drop=True)
    reasons = [f"{length} tokens, longer than {longest}" for length in lengths if length > longest]
    return table[fits].reset_index(drop=True), aside.assign(reason=pd.Series(reasons, dtype="str"))
