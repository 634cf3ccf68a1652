"""Every prompt of the ranking split gets its responses, which no other row's prompt or place can change."""

from pathlib import Path

import pandas as pd
import pytest

from okapi_kedro import schemas
from okapi_kedro.pipelines.ranking.nodes import sample_responses
from okapi_kedro.pipelines.ranking.parameters import RankingParameters
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.pretraining import SmallModel, save_untrained
from okapi_kedro.training.prompt import ENGLISH

from ..tokenizers import training
from .test_nodes import TASKS, parameters, translated_table


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelReference:
    shape = {"vocabulary": 400, "hidden_size": 16, "layers": 1, "heads": 2, "texts": 0}
    small = SmallModel(architecture="bloom", training=training(64), **shape)
    texts = [text for task in TASKS.values() for text in task.text("ne").values()]
    return save_untrained(texts, small, tmp_path_factory.mktemp("model"), seed=0)


def sample(model: ModelReference, translated: pd.DataFrame, parts: Path, **changes: object) -> pd.DataFrame:
    return schemas.Responses.validate(
        sample_responses(model, translated, ENGLISH, parts, parameters(**changes), seed=1)
    )


def settings(**changes: object) -> dict[str, object]:
    return {"temperature": 1.0, "top_p": 1.0, "max_new_tokens": 4, "batch_size": 8, **changes}


def by_row(table: pd.DataFrame) -> dict[tuple[str, int], str]:
    return {(row.id, row.k): row.response for row in table.itertuples()}


def test_a_row_has_the_same_responses_whatever_stands_beside_it(model: ModelReference, tmp_path: Path) -> None:
    translated = translated_table("ne").assign(split=["ranking", "ranking", "rl"] * 20)
    table = sample(model, translated, tmp_path / "a", sampling=settings())
    ids = translated.loc[translated["split"] == "ranking", "id"].tolist()
    assert list(zip(table["id"], table["k"], strict=True)) == [(id, k) for id in ids for k in range(4)]
    shuffled = translated.sample(frac=0.5, random_state=1)
    few = sample(model, shuffled, tmp_path / "b", sampling=settings(batch_size=3))
    assert 0 < len(few) < len(table)
    assert by_row(few).items() <= by_row(table).items()
    assert len(set(table["response"])) > 0.9 * len(table)


def test_more_responses_are_added_to_those_that_were_drawn(model: ModelReference, tmp_path: Path) -> None:
    translated = translated_table("ne").head(6)
    two = sample(model, translated, tmp_path, sampling=settings(), responses=2)
    [parts] = tmp_path.iterdir()
    four = sample(model, translated, tmp_path, sampling=settings(), responses=4, prompts=5)
    assert [parts] == list(tmp_path.iterdir())
    assert len(four) == 20
    assert {key: text for key, text in by_row(two).items() if key[0] != "row-5"}.items() <= by_row(four).items()


def test_greedy_responses_to_a_prompt_repeat_the_first(model: ModelReference, tmp_path: Path) -> None:
    table = sample(model, translated_table("ne").head(3), tmp_path, sampling=settings(temperature=0.0))
    assert table["repeats"].tolist() == [False, True, True, True] * 3


def test_no_prompts_are_an_empty_table(tmp_path: Path) -> None:
    translated = translated_table("ne").assign(split="rl")
    assert len(sample(ModelReference("nowhere"), translated, tmp_path)) == 0


@pytest.mark.parametrize(
    "change", [{"responses": 1}, {"judged_twice": 1.5}, {"repeats_above": -1}, {"pairs": "some"}, {"attempts": 0}]
)
def test_parameters_without_sense_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        RankingParameters(**{**parameters().model_dump(), **change})
