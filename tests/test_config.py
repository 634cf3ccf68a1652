"""Every language gets the shared parameters with its own differences, and no name passes that does not exist."""

from pathlib import Path

import pytest
import yaml

from okapi_kedro.config import LanguageConfigLoader
from okapi_kedro.errors import UserError
from okapi_kedro.languages import LANGUAGES, NAMESPACES

PARAMETERS = {
    "seed": 1,
    "languages": "ne",
    "sft": {"training": {"epochs": 3, "learning_rate": 0.003}, "splits": ["sft", "rl"], "rows": None},
}


@pytest.fixture
def load(tmp_path: Path):
    """Loads the parameters of a configuration with overrides, files of an environment and run parameters."""

    def write(environment: str, name: str, content: object) -> None:
        (tmp_path / environment).mkdir(exist_ok=True)
        (tmp_path / environment / f"{name}.yml").write_text(yaml.safe_dump(content), encoding="utf-8")

    def make(overrides=None, run=None, local=None, catalog=None):
        write("base", "parameters", PARAMETERS)
        write("base", "parameters_languages", {"language_overrides": overrides})
        write("local", "parameters", local or {})
        write("base", "catalog", catalog or {})
        return LanguageConfigLoader(
            str(tmp_path),
            base_env="base",
            default_run_env="local",
            merge_strategy={"parameters": "soft"},
            runtime_params=run,
        )

    return make


@pytest.mark.parametrize("overrides", [None, {}, {"vi": {}}, {"vi": None}])
def test_every_language_has_the_shared_values_and_its_code(load, overrides):
    parameters = load(overrides)["parameters"]
    assert {name: parameters[name] for name in PARAMETERS} == PARAMETERS
    for code in NAMESPACES:
        assert parameters[code] == {**PARAMETERS, "language": code}
    assert set(parameters) == set(PARAMETERS) | set(NAMESPACES)


def test_an_override_changes_one_value_of_one_language(load):
    parameters = load({"zh": {"sft": {"training": {"epochs": 4}}}})["parameters"]
    assert parameters["zh"]["sft"] == {**PARAMETERS["sft"], "training": {"epochs": 4, "learning_rate": 0.003}}
    assert parameters["sft"] == parameters["ne"]["sft"] == PARAMETERS["sft"]


def test_lists_and_nulls_are_replaced_not_merged(load):
    parameters = load({"zh": {"sft": {"splits": ["rl"], "rows": 7}}})["parameters"]
    assert parameters["zh"]["sft"] == {**PARAMETERS["sft"], "splits": ["rl"], "rows": 7}


def test_a_run_parameter_of_one_language_stays_with_it(load):
    parameters = load(run={"ne": {"sft": {"training": {"epochs": 1}}}})["parameters"]
    assert parameters["ne"]["sft"]["training"] == {"epochs": 1, "learning_rate": 0.003}
    assert parameters["vi"]["sft"] == parameters["sft"] == PARAMETERS["sft"]


def test_a_shared_run_parameter_reaches_every_language(load):
    parameters = load(run={"sft": {"training": {"epochs": 1}}})["parameters"]
    assert {parameters[code]["sft"]["training"]["epochs"] for code in LANGUAGES} == {1}
    assert parameters["ne"]["sft"]["training"]["learning_rate"] == 0.003


def test_the_more_special_value_wins(load):
    overrides = {"ne": {"seed": 5}, "vi": {"seed": 5}}
    parameters = load(overrides, run={"seed": 2, "ne": {"seed": 6}}, local={"seed": 9})["parameters"]
    assert [parameters[name] for name in ("seed",)] == [2]
    assert [parameters[code]["seed"] for code in ("ne", "vi", "zh")] == [6, 5, 2]


def test_the_files_of_the_environment_win_over_base(load):
    parameters = load(local={"sft": {"training": {"epochs": 9}}})["parameters"]
    assert parameters["ta"]["sft"]["training"] == {"epochs": 9, "learning_rate": 0.003}


@pytest.mark.parametrize(
    ("overrides", "run", "message"),
    [
        ({"xx": {"seed": 2}}, None, "language_overrides names 'xx', which is no language; known: ar, bn"),
        ({"NE": {"seed": 2}}, None, "language_overrides names 'NE', which is no language"),
        ({"ne": {"sede": 2}}, None, "unknown parameter language_overrides.ne.sede; known there: languages, seed, sft"),
        (
            {"ne": {"sft": {"trainning": {}}}},
            None,
            "unknown parameter language_overrides.ne.sft.trainning; known there:",
        ),
        ({"ne": 4}, None, "language_overrides.ne has to name a parameter"),
        (None, {"sede": 2}, "unknown parameter sede; known: languages, seed, sft"),
        (
            None,
            {"sft": {"trainning": {"epochs": 1}}},
            "unknown parameter sft.trainning; known there: rows, splits, tra",
        ),
        (None, {"ne": {"sft": {"trainning": {"epochs": 1}}}}, "unknown parameter ne.sft.trainning; known there:"),
        (None, {"NE": {"seed": 1}}, "unknown parameter NE"),
        (None, {"ne": 4}, "ne has to name a parameter, such as ne.seed=2"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error_in_one_line(load, overrides, run, message):
    with pytest.raises(UserError) as error:
        load(overrides, run)["parameters"]
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_run_parameters_of_the_session_and_the_catalog_pass(load):
    catalog = {"alpaca": {"type": "text.TextDataset", "filepath": "${runtime_params:real_data,data}/a.json"}}
    loader = load(run={"lang": "ne", "real_data": "/my/files"}, catalog=catalog)
    assert loader["parameters"]["sft"] == PARAMETERS["sft"]
    assert loader["catalog"]["alpaca"]["filepath"] == "/my/files/a.json"


def test_reading_twice_gives_the_same_and_languages_share_no_table(load):
    loader = load({"zh": {"seed": 2}}, run={"sft": {"rows": 5}})
    first = loader["parameters"]
    first["ne"]["sft"]["training"]["epochs"] = 99
    assert first["vi"]["sft"]["training"]["epochs"] == first["sft"]["training"]["epochs"] == 3
    assert loader["parameters"]["ne"]["sft"] == {**PARAMETERS["sft"], "rows": 5}
