"""The results of all languages, from the folders in which their runs have left them."""

from collections.abc import Callable, Mapping

import pandas as pd
from kedro.pipeline import Pipeline, node

from okapi_kedro.errors import UserError
from okapi_kedro.evaluation.result_tables import MODELS, Run, result_tables, right_answers
from okapi_kedro.languages import LANGUAGES, UnknownLanguageError
from okapi_kedro.reporting.leaderboard import Likeness, render_leaderboard

Tables = Mapping[str, Callable[[], pd.DataFrame]]


def build_leaderboard(results: Tables) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """The results of all languages that have any: a table, the same again for CSV, and a page.

    Args:
        results: tables by their places, such as `ne/evaluation` or `paper/08_reporting/ne/evaluation`.

    Raises:
        UnknownLanguageError: for a folder that is no language.
        UserError: for two runs of one language on one base model, and for a run whose results are incomplete.
    """
    runs = _runs(results)
    table = result_tables({run: _right(results, folder) for run, folder in runs.items()})
    likeness = {run: _likeness(results, folder) for run, folder in runs.items()}
    lengths, outcomes = (_of_languages(results, name) for name in ("text_lengths", "translation_outcomes"))
    return table, table, render_leaderboard(table, likeness, lengths, outcomes)


def _runs(results: Tables) -> dict[Run, str]:
    """The folders of the languages that were evaluated, by base model and language."""
    runs: dict[Run, str] = {}
    for folder in _folders(results, "evaluation"):
        evaluation, code = results[f"{folder}/evaluation"](), _code(folder)
        if "base_model" not in evaluation.columns:
            raise UserError(f"{folder}/evaluation does not name its base model; {_evaluate(code)}")
        base_model = str(evaluation["base_model"].iloc[0])
        if other := runs.get((base_model, code)):
            raise UserError(f"{other} and {folder} both hold {code} on {base_model}; move one of them elsewhere")
        runs[base_model, code] = folder
    return runs


def _right(results: Tables, folder: str) -> pd.DataFrame:
    """Which questions each model of a run has right."""
    places = {model: f"{folder}/{model}_answers" for model in MODELS}
    missing = [place for place in places.values() if place not in results]
    if missing:
        raise UserError(f"{missing[0]} is not there, but {folder}/evaluation is; {_evaluate(_code(folder))}")
    return right_answers({model: results[place]() for model, place in places.items()})


def _likeness(results: Tables, folder: str) -> Likeness:
    """What a run's language shares with English, as far as it was measured."""
    places = {"consistency": f"{folder}/consistency", "similarity": f"{folder}/english_similarity"}
    return Likeness(**{name: results[place]() for name, place in places.items() if place in results})


def _of_languages(results: Tables, name: str) -> dict[str, pd.DataFrame]:
    """A result by the name of its language, in the paper's order; of one language in several folders, with these."""
    folders = sorted(_folders(results, name), key=lambda folder: list(LANGUAGES).index(_code(folder)))
    codes = [_code(folder) for folder in folders]
    return {
        LANGUAGES[code].name + (f" ({folder})" if codes.count(code) > 1 else ""): results[f"{folder}/{name}"]()
        for code, folder in zip(codes, folders, strict=True)
    }


def _folders(results: Tables, name: str) -> list[str]:
    """The languages' folders that hold a result."""
    folders = [place.removesuffix(f"/{name}") for place in sorted(results) if place.endswith(f"/{name}")]
    for folder in folders:
        if _code(folder) not in LANGUAGES:
            raise UnknownLanguageError(_code(folder))
    return folders


def _code(folder: str) -> str:
    return folder.rsplit("/", 1)[-1]


def _evaluate(code: str) -> str:
    return f"evaluate it again: kedro run --pipeline=evaluation --params lang={code}"


def create_pipeline() -> Pipeline:
    """The results of every language that has been evaluated, side by side."""
    outputs = ["leaderboard", "leaderboard_csv", "leaderboard_page"]
    return Pipeline([node(build_leaderboard, ["results"], outputs, name="build_leaderboard")])
