"""How long prompts and outputs are in a language, beside their English originals (Okapi, table 2)."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from okapi_kedro.text.tokens import unicode_tokens

PARTS = ("all", "sft", "ranking", "rl")
MEASURES = (("prompt", "tokens"), ("prompt", "characters"), ("output", "tokens"), ("output", "characters"))
COLUMNS = ["part", "text", "unit", "rows", "mean", "english_mean", "ratio"]


def text_lengths(translated: pd.DataFrame, english: pd.DataFrame) -> pd.DataFrame:
    """Mean lengths of prompts (instruction and input) and outputs, over all rows and those of each split.

    Args:
        translated: columns id, split, instruction, input and output.
        english: the originals, columns id, instruction, input and output; rows without one count in `mean` alone.

    Returns:
        One row for each part, text (prompt, output) and unit (tokens, characters), with the columns rows, mean,
        english_mean and ratio, the mean over the rows that have an original divided by theirs; nan without rows.
    """
    own = _measured(translated)
    originals = _measured(english[english["id"].isin(translated["id"])]).reindex(own.index)
    splits = translated["split"].to_numpy()
    rows = [
        {"part": part, "text": text, "unit": unit, **_means(own.loc[chosen, measure], originals.loc[chosen, measure])}
        for part in PARTS
        for chosen in [(splits == part) | (part == "all")]
        for measure in MEASURES
        for text, unit in [measure]
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COLUMNS[:3], "str"))


def count_tokens(texts: Sequence[str]) -> list[int]:
    """The number of `unicode_tokens` of each text.

    No token spans white space, so that each word is cut once, however often it occurs.
    """
    tokens_of = cache(lambda word: len(unicode_tokens(word)))
    return [sum(map(tokens_of, text.split())) for text in texts]


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    """The lengths of every row by its id, a column for each measure."""
    fields = ["instruction", "input", "output"]
    counts = count_tokens([text for name in fields for text in rows[name]])
    tokens = pd.DataFrame(np.reshape(counts, (len(fields), len(rows))).T, columns=fields, index=rows["id"])
    characters = pd.DataFrame({name: rows[name].str.len().to_numpy() for name in fields}, index=rows["id"])
    return pd.DataFrame(
        {
            (text, unit): lengths["instruction"] + lengths["input"] if text == "prompt" else lengths["output"]
            for text, unit in MEASURES
            for lengths in [tokens if unit == "tokens" else characters]
        },
        dtype="float64",
    )


def _means(own: pd.Series, originals: pd.Series) -> dict[str, float]:
    english = float(originals.mean())
    paired = float(own[originals.notna()].mean())
    return {
        "rows": len(own),
        "mean": float(own.mean()),
        "english_mean": english,
        "ratio": paired / english if english else math.nan,
    }


def length_rows(lengths: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Lengths as the pages show them: each label with its rows and a cell for each measure.

    Args:
        lengths: by label, the rows of one part of a table as `text_lengths` makes it.
    """
    return [
        {"label": label, "rows": int(part["rows"].iloc[0]), "cells": part.to_dict("records")}
        for label, part in lengths.items()
    ]
