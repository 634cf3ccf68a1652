"""Okapi's published files of a language as the tables that the teacher's stages would make."""

import logging
from collections.abc import Callable, Mapping

import pandas as pd
from pydantic import BaseModel, ConfigDict

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.benchmark_files import read_benchmark
from okapi_kedro.pipelines.generation.nodes import SplitParameters, held_out
from okapi_kedro.pipelines.translation.nodes import BenchmarkParameters
from okapi_kedro.text.instruction_defects import DefectActions
from okapi_kedro.text.okapi_files import INSTRUCTIONS, as_json_lines, files_by_table, instruction_file
from okapi_kedro.text.okapi_instructions import read_instructions
from okapi_kedro.text.okapi_preferences import read_preferences
from okapi_kedro.training.prompt import PromptTemplate

logger = logging.getLogger(__name__)

Files = dict[str, Callable[[], str]]
INSTRUCTION_COLUMNS = ["id", "split", "held_out", "instruction", "input", "output", "attempts"]


class IngestParameters(BaseModel):
    """How published rows are read.

    Args:
        defects: what becomes of instructions with defects.
    """

    model_config = ConfigDict(extra="forbid")

    defects: DefectActions


def ingest_instructions(
    files: Files, parameters: IngestParameters, split: SplitParameters, language: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The published instructions of every split that has a file, the rows set aside, and the defects of all.

    Nobody was asked here, so `attempts` is 0 where the file does not know better.
    """
    there = _contents(files, "translated_instructions", language)
    by_split = {
        name: (f"{file}.json", there[file])
        for name in INSTRUCTIONS
        if (file := instruction_file(name, language)) in there
    }
    kept, rejected, defects = read_instructions(by_split, parameters.defects)
    table = _with_held_out(kept, split)[INSTRUCTION_COLUMNS]
    _tell(language, "instructions", table["split"].value_counts().to_dict(), rejected)
    return table, rejected, defects


def ingest_preferences(
    files: Files, template: PromptTemplate, split: SplitParameters, language: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The published pairs of responses, the rows set aside, and how many values were no text."""
    [(name, text)] = _contents(files, "preferences", language).items()
    kept, rejected, defects = read_preferences(f"{name}.json", text, template)
    _tell(language, "preferences", {"pairs": len(kept), "prompts": kept["id"].nunique()}, rejected)
    return _with_held_out(kept, split), rejected, defects


def ingest_benchmark(
    files: Files, benchmark: BenchmarkParameters, language: str, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A published benchmark in the language, and the rows that cannot be used."""
    there = _contents(files, benchmark.name, language)
    lines = {f"{name}.json": as_json_lines(f"{name}.json", text) for name, text in there.items()}
    kept, rejected = read_benchmark(benchmark.name, lines, benchmark.most_rows, seed)
    _tell(language, benchmark.name, kept["split"].value_counts().to_dict(), rejected)
    return kept, rejected


def _contents(files: Files, table: str, language: str) -> dict[str, str]:
    """The contents of those of a table's files that are there.

    Raises:
        UserError: when none is; it says how to read the others.
    """
    wanted = files_by_table(language)
    there = [name for name in wanted[table] if name in files]
    if not there:
        others = [f"{language}.{other}" for other, names in wanted.items() if files.keys() & set(names)]
        hint = f"; read what is there with --to-outputs={','.join(others)}" if others else ""
        raise UserError(f"{language}: okapi_files has no {' or '.join(f'{name}.json' for name in wanted[table])}{hint}")
    return {name: files[name]() for name in there}


def _with_held_out(table: pd.DataFrame, split: SplitParameters) -> pd.DataFrame:
    """Rows of files that do not say so are held out by their id, as those of the chain are."""
    said = table["held_out"]
    return table.assign(held_out=said.where(said.notna(), held_out(table["id"], split)).astype("bool"))


def _tell(language: str, what: str, kept: Mapping[str, int], rejected: pd.DataFrame) -> None:
    counts = ", ".join(f"{name} {count:,}" for name, count in kept.items())
    first = f" (first: {rejected['id'].iat[0]}: {rejected['reason'].iat[0]})" if len(rejected) else ""
    logger.info("%s: %s: %s; set aside: %s%s", language, what, counts or "none", f"{len(rejected):,}", first)
