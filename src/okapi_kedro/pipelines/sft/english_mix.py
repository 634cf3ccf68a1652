"""English rows for the training of another language, so that the model keeps what it knows in English."""

import hashlib
from collections.abc import Callable

import pandas as pd

from okapi_kedro.errors import UserError

Tables = dict[str, Callable[[], pd.DataFrame]]
INSTRUCTIONS, SPLITS = "en_source/instructions", "en_source/instruction_splits"


def english_rows(translated: pd.DataFrame, tables: Tables, share: float, seed: int) -> pd.DataFrame:
    """So many English rows of the same splits that they are this share of all rows trained on, none of them held out.

    A row's place in the choice depends on its id and the seed alone: a larger share holds the rows of a smaller one.

    Args:
        translated: the language's rows of the splits that are trained on, columns id, split and held_out.
        tables: those that exist, by their place.
        share: of the rows trained on, from 0 to below 1.
        seed: of the choice.

    Returns:
        Columns id, instruction, input, output and held_out, in the order of the choice.

    Raises:
        UserError: when there are no English rows, or too few.
    """
    wanted = round(share / (1 - share) * int((~translated["held_out"]).sum()))
    if not wanted:
        return pd.DataFrame(columns=["id", "instruction", "input", "output", "held_out"]).astype({"held_out": "bool"})
    candidates = _trainable(tables, translated)
    if len(candidates) < wanted:
        raise UserError(
            f"sft.english_mix={share} needs {wanted:,} English rows of the same splits that are not held out, and "
            f"{len(candidates):,} are there; lower it, or read more rows"
        )
    places = candidates["id"].map(lambda id: hashlib.sha256(f"english mix {seed} {id}".encode()).digest())
    return candidates.loc[places.sort_values().index[:wanted]]


def _trainable(tables: Tables, translated: pd.DataFrame) -> pd.DataFrame:
    """The English rows of the splits of these that neither language holds out."""
    missing = [name for name in (INSTRUCTIONS, SPLITS) if name not in tables]
    if missing:
        raise UserError(
            f"sft.english_mix needs {missing[0]}.parquet, which does not exist yet; run the pipeline generation first"
        )
    rows = tables[INSTRUCTIONS]().merge(tables[SPLITS](), on="id", validate="one_to_one")
    held_out = rows["held_out"] | rows["id"].isin(translated.loc[translated["held_out"], "id"])
    return rows.loc[rows["split"].isin(translated["split"]) & ~held_out]
