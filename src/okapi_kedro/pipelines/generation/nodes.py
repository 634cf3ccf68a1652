"""English instructions by Self-Instruct (Okapi, section 2.1)."""

import hashlib

import pandas as pd
from pydantic import BaseModel, ConfigDict

from okapi_kedro.pipelines.generation.self_instruct import GenerationParameters
from okapi_kedro.text.instruction_files import COLUMNS, read_alpaca, read_seed_tasks


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


def read_alpaca_instructions(text: str, parameters: GenerationParameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The instructions in Alpaca's schema, and the rows that cannot be used."""
    return read_alpaca(text, "alpaca", parameters.alpaca_rows)


def collect_instructions(seeds: pd.DataFrame, alpaca: pd.DataFrame, generated: pd.DataFrame) -> pd.DataFrame:
    """All English instructions, whatever their source, in one table."""
    return pd.concat([seeds, alpaca, generated], ignore_index=True)[COLUMNS]


def split_instructions(instructions: pd.DataFrame, parameters: SplitParameters) -> pd.DataFrame:
    """The split of every instruction: in the paper, Alpaca's train the SFT model, generated ones serve ranking and RL.

    A row's split depends on its id and source alone, so it never changes when more instructions are generated.
    """
    splits = [_split_of(row.id, parameters.sft_share[row.source], parameters) for row in instructions.itertuples()]
    held_out = instructions["id"].map(lambda id: _share(f"held out {id}") < parameters.held_out)
    return pd.DataFrame({"id": instructions["id"], "split": splits, "held_out": held_out})


def _split_of(id: str, sft_share: float, parameters: SplitParameters) -> str:
    if _share(f"sft {id}") < sft_share:
        return "sft"
    return "ranking" if _share(f"ranking {id}") < parameters.ranking_share else "rl"


def _share(text: str) -> float:
    """A number from 0 up to 1 that is spread evenly over texts and always the same for one text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
