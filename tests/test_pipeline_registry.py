"""Every stage is registered in every language, and no language touches another's data."""

import pytest
from kedro.pipeline import Pipeline

from okapi_kedro.languages import LANGUAGES, UnknownLanguageError
from okapi_kedro.pipeline_registry import register_pipelines

STAGES = ("translation", "sft", "ranking", "reward", "rl", "evaluation", "reporting")
BESIDE_THE_CHAIN = ("leaderboard", "ingest", "publish")


def nodes_of(pipeline, language):
    return [node for node in pipeline.nodes if (node.namespace or "").split(".")[0] == language]


def test_the_stages_are_registered_by_name():
    assert set(register_pipelines()) == {"generation", *STAGES, *BESIDE_THE_CHAIN, "__default__"}


def test_the_default_is_the_whole_chain_and_others_stand_beside_it():
    registered = register_pipelines()
    chain = {node.name for name in ("generation", *STAGES) for node in registered[name].nodes}
    assert {node.name for node in registered["__default__"].nodes} == chain
    for name in BESIDE_THE_CHAIN:
        assert registered[name].nodes
        assert not chain & {node.name for node in registered[name].nodes}


@pytest.mark.parametrize("stage", [*STAGES, "ingest", "publish"])
def test_a_stage_has_the_same_nodes_in_every_language(stage):
    pipeline = register_pipelines()[stage]
    names = {
        code: {node.name.removeprefix(f"{code}.") for node in nodes_of(pipeline, code)}
        for code in LANGUAGES
        if code != "en"
    }
    assert all(each == names["ne"] and each for each in names.values())
    assert len(nodes_of(pipeline, "en")) == len(names["ne"])


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_reads_and_writes_its_own_data_and_the_shared_ones(code):
    shared = register_pipelines()["generation"].all_outputs()
    for node in nodes_of(register_pipelines()["__default__"], code):
        assert all(name.startswith(f"{code}.") for name in node.outputs), node.name
        for name in node.inputs:
            owner = name.removeprefix("params:").split(".")[0]
            assert owner == code or owner not in LANGUAGES, f"{node.name} reads {name}"
            assert name not in shared or not name.startswith(f"{code}.")


def test_parameters_of_a_languages_nodes_are_its_own():
    for code in LANGUAGES:
        for node in nodes_of(register_pipelines()["__default__"], code):
            assert all(name.startswith(f"params:{code}.") for name in node.inputs if name.startswith("params:"))


def test_nodes_carry_stage_and_language_as_namespace_and_tags():
    node = next(each for each in register_pipelines()["sft"].nodes if each.name == "vi.sft.train_sft_model")
    assert node.namespace == "vi.sft"
    assert {"vi", "sft", "gpu"} <= node.tags
    assert node.outputs == ["vi.sft_model", "vi.sft_log"]


def test_english_is_translated_ranked_and_compared_without_a_translation():
    translation = Pipeline(nodes_of(register_pipelines()["translation"], "en"))
    assert "teacher" not in translation.inputs()
    ranking = Pipeline(nodes_of(register_pipelines()["ranking"], "en"))
    assert "teacher" in ranking.inputs()
    assert "ranking_translation_prompt" not in ranking.inputs()
    evaluation = Pipeline(nodes_of(register_pipelines()["evaluation"], "en"))
    assert "ranking_translation_prompt" not in evaluation.inputs()
    for stage, english in (("ranking", ranking), ("evaluation", evaluation)):
        other = Pipeline(nodes_of(register_pipelines()[stage], "ne"))
        assert other.all_outputs() == {name.replace("en.", "ne.") for name in english.all_outputs()}


def test_everything_that_is_neither_raw_nor_a_parameter_is_made_by_a_node():
    raw = {
        "seed_tasks",
        "alpaca",
        "human_files",
        "teacher",
        "generation_prompt",
        "translation_prompt",
        "ranking_translation_prompt",
        "ranking_prompt",
        "comparison_prompt",
    }
    raw |= {"spending", "english_tables", "arc_files", "hellaswag_files", "mmlu_files", "node_seconds"}
    inputs = {name for name in register_pipelines()["__default__"].inputs() if not name.startswith("params:")}
    kept = ("own_node_seconds", "response_parts", "base_checkpoints", "sft_checkpoints", "reward_checkpoints")
    kept += ("rl_checkpoints", "prompt_template", "existing_tables")
    own = {f"{code}.{name}" for code in LANGUAGES for name in kept}
    own |= {f"multi.{name}" for name in ("base_checkpoints", "sft_checkpoints", "prompt_template")}
    assert inputs == raw | own


def test_the_environment_can_narrow_the_registry(monkeypatch):
    monkeypatch.setenv("OKAPI_LANGUAGES", "ne+ta")
    namespaces = {(node.namespace or "").split(".")[0] for node in register_pipelines()["__default__"].nodes}
    assert namespaces == {"ne", "ta", "generation", "translation"}


def test_the_environment_cannot_name_an_unknown_language(monkeypatch):
    monkeypatch.setenv("OKAPI_LANGUAGES", "ne+xx")
    with pytest.raises(UnknownLanguageError, match="'xx'"):
        register_pipelines()


def test_a_caller_may_change_the_table_it_gets():
    register_pipelines().clear()
    assert "sft" in register_pipelines()
