"""Names of models are those that runs have made, where the catalog of an environment has them, or directories."""

from pathlib import Path

import pytest

from okapi_kedro.chat.model_names import model_named
from okapi_kedro.errors import UserError


def place(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    return folder


@pytest.mark.parametrize(("environment", "root"), [(None, "data"), ("test", "data/test")])
@pytest.mark.parametrize("stage", ["base", "sft", "rlhf"])
def test_a_stage_is_the_model_of_the_language_where_the_environment_keeps_it(
    project: Path, environment: str | None, root: str, stage: str
) -> None:
    folder = place(project / root / "06_models" / "ne" / stage)
    assert Path(model_named(stage, "ne", environment).name) == folder


def test_ones_own_configuration_decides_and_any_folder_of_the_project_will_do(project: Path, monkeypatch) -> None:
    (project / "conf" / "local" / "globals.yml").write_text("data_root: elsewhere\n", encoding="utf-8")
    folder = place(project / "elsewhere" / "06_models" / "vi" / "sft")
    monkeypatch.chdir(project / "conf")
    assert Path(model_named("sft", "vi", None).name) == folder


def test_a_base_model_that_is_only_named_is_that_name(project: Path) -> None:
    folder = project / "data" / "06_models" / "ne" / "base"
    folder.mkdir(parents=True)
    (folder / "model_reference.json").write_text('{"name": "bigscience/bloom-560m"}', encoding="utf-8")
    assert model_named("base", "ne", None).name == "bigscience/bloom-560m"


def test_a_directory_and_a_hub_id_need_no_project(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    for name in ("model", "./model", str(tmp_path / "model"), "bigscience/bloom-560m"):
        assert model_named(name, None, None).name == name


@pytest.mark.parametrize(
    ("name", "language", "environment", "said"),
    [
        ("rlhf", "ne", None, "ne.rlhf_model does not exist yet; make it: kedro run --pipeline=rl --params lang=ne"),
        ("sft", "vi", "test", "make it: kedro run --env test --pipeline=sft --params lang=vi"),
        ("rlhf", None, None, "whose rlhf model\\? Name the language, such as --lang ne"),
        ("rlhf", "xx", None, "--lang xx is no language; known: ar, bn"),
        ("rlhf", "ne+vi", None, "--lang ne\\+vi is no language"),
        ("rlhf", "ne", "nope", "there is no environment 'nope'; known: base, local, paper"),
        ("stf", "ne", None, "there is no model directory 'stf', nor is that base, sft, rlhf or a hub id"),
        ("./gone", None, None, "there is no model directory './gone'"),
        ("/gone/away", None, None, "there is no model directory '/gone/away'"),
        ("data/06_models/ne/gone", None, None, "there is no model directory 'data/06_models/ne/gone'"),
    ],
)
def test_a_model_that_cannot_be_there_is_one_line(untouched_project, name, language, environment, said) -> None:
    with pytest.raises(UserError, match=said) as caught:
        model_named(name, language, environment)
    assert "\n" not in str(caught.value)


def test_outside_of_a_project_a_stage_is_one_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no Kedro project in .*--model PATH"):
        model_named("sft", "ne", None)
