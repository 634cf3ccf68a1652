"""English instructions by Self-Instruct (Okapi, section 2.1)."""

import hashlib
import logging

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, PositiveInt

from okapi_kedro.errors import UserError
from okapi_kedro.text.instruction_defects import DefectActions, Screened
from okapi_kedro.text.instruction_files import COLUMNS
from okapi_kedro.text.instruction_sources import read_alpaca, read_human
from okapi_kedro.text.nearest import nearest_earlier
from okapi_kedro.text.seed_tasks import read_seed_tasks

logger = logging.getLogger(__name__)

_TOLD = 6
"""Reasons that the log names; all are in the tables."""


class AlpacaParameters(BaseModel):
    """What is read of the Alpaca file.

    Args:
        rows: rows read from the start; None reads all.
        defects: what becomes of rows with defects.
    """

    model_config = ConfigDict(extra="forbid")

    rows: PositiveInt | None
    defects: DefectActions


class HumanParameters(BaseModel):
    """What is read of the user's own files.

    Args:
        defects: what becomes of rows with defects.
    """

    model_config = ConfigDict(extra="forbid")

    defects: DefectActions


class SplitParameters(BaseModel):
    """Which rows serve which stage.

    Args:
        sft_share: share of the rows of each source that SFT is trained on.
        ranking_share: share of the other rows that responses are ranked for; the rest are prompts for RL.
        held_out: share of every split that no training sees.
    """

    model_config = ConfigDict(extra="forbid")

    sft_share: dict[str, float]
    ranking_share: float
    held_out: float


def read_seeds(text: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The human-written seed tasks, and the lines that cannot be used."""
    return read_seed_tasks(text, "seed_tasks")


def read_alpaca_instructions(text: str, parameters: AlpacaParameters) -> Screened:
    """The instructions in Alpaca's schema, the rows that were set aside, and the defects of all."""
    screened = read_alpaca(text, "alpaca", parameters.rows, parameters.defects)
    logger.info("Alpaca: %s", _told(screened))
    return screened


def read_human_instructions(files: dict[str, bytes], parameters: HumanParameters) -> Screened:
    """The instructions of the user's own files, the rows that were set aside, and the defects of all."""
    try:
        screened = read_human(files, parameters.defects)
    except UserError as error:
        # With the dataset's name, the run tells where the folder is.
        raise UserError(f"{error}, in human_files") from error
    logger.info("Human (files: %d): %s", len(files), _told(screened))
    return screened


def _told(screened: Screened) -> str:
    """What became of the rows, in a line."""
    kept, rejected, defects = screened
    reasons = rejected["reason"].value_counts()
    set_aside = [f"{reason} ({count:,})" for reason, count in reasons.head(_TOLD).items()]
    set_aside += ["..."] if len(reasons) > _TOLD else []
    met = [f"{row.defect} ({row.rows:,}: {row.action})" for row in defects.itertuples() if row.rows]
    return (
        f"kept {len(kept):,} of {len(kept) + len(rejected):,} rows; set aside: {', '.join(set_aside) or 'none'}; "
        f"defects: {', '.join(met) or 'none'}"
    )


def collect_instructions(
    seeds: pd.DataFrame, alpaca: pd.DataFrame, human: pd.DataFrame, generated: pd.DataFrame
) -> pd.DataFrame:
    """All English instructions in one table, the generated ones with their nearest earlier instruction by ROUGE-L."""
    table = pd.concat([seeds, alpaca, human, generated], ignore_index=True)[COLUMNS]
    first = len(table) - len(generated)
    nearest = list(nearest_earlier(table["instruction"].tolist(), first))
    return table.assign(
        max_rouge_l=[np.nan] * first + [score for _, score in nearest],
        nearest_id=[""] * first + ["" if place is None else table["id"].iat[place] for place, _ in nearest],
    ).astype({"max_rouge_l": "float64", "nearest_id": "str"})


def split_instructions(instructions: pd.DataFrame, parameters: SplitParameters) -> pd.DataFrame:
    """The split of every instruction: in the paper, Alpaca's train the SFT model, generated ones serve ranking and RL.

    A row's split depends on its id and source alone, so it never changes when more instructions are generated.
    """
    splits = [_split_of(row.id, parameters.sft_share[row.source], parameters) for row in instructions.itertuples()]
    return pd.DataFrame(
        {"id": instructions["id"], "split": splits, "held_out": held_out(instructions["id"], parameters)}
    )


def held_out(ids: pd.Series, parameters: SplitParameters) -> pd.Series:
    """Which rows no training sees, by their ids alone."""
    return ids.map(lambda id: _share(f"held out {id}") < parameters.held_out)


def _split_of(id: str, sft_share: float, parameters: SplitParameters) -> str:
    if _share(f"sft {id}") < sft_share:
        return "sft"
    return "ranking" if _share(f"ranking {id}") < parameters.ranking_share else "rl"


def _share(text: str) -> float:
    """A number from 0 up to 1 that is spread evenly over texts and always the same for one text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
