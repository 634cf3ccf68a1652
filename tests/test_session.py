"""A run works on the languages it is asked for, makes what they lack, and says in one line what it cannot do."""

import re

import click
import pandas as pd
import pytest
from kedro.framework.project import pipelines, settings
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from okapi_kedro.languages import LANGUAGES, parse_languages
from okapi_kedro.session import LanguageSession, of_languages

SHARED_GENERATION = {
    "generation.read_seeds",
    "generation.read_alpaca",
    "generation.read_human",
    "generation.generate_instructions",
    "generation.collect_instructions",
    "generation.split_instructions",
}
ENGLISH_PAGE = {"generation.read_verbs", "generation.draw_verbs", "generation.write_instructions_page"}
SHARED_BENCHMARKS = {"translation.read_arc", "translation.read_hellaswag", "translation.read_mmlu"}
TRANSLATION = {f"translate_{each}" for each in ("instructions", "arc", "hellaswag", "mmlu")}


class Selected(Exception):  # noqa: N818
    """Carries what a run would have run."""


class SelectingRunner(SequentialRunner):
    """Stops a run where its first node would begin."""

    def run(self, pipeline, *args, **kwargs):
        raise Selected(pipeline)


def session_for(run=None, env="test"):
    return settings.SESSION_CLASS.create(env=env, runtime_params=run)


def selected(pipeline="__default__", run=None, env="test", **filters):
    """Names of the nodes that a run would run."""
    with pytest.raises(Selected) as stopped, session_for(run, env) as session:
        session.run(pipeline_names=[pipeline], runner=SelectingRunner(), **filters)
    return {node.name for node in stopped.value.args[0].nodes}


def refused(pipeline="__default__", run=None, env="test", **filters):
    """The error of a run that does not begin."""
    with pytest.raises(click.ClickException) as error, session_for(run, env) as session:
        session.run(pipeline_names=[pipeline], runner=SelectingRunner(), **filters)
    assert "\n" not in error.value.message
    return error.value


def languages_of(names):
    return {name.split(".")[0] for name in names} & set(LANGUAGES)


def nodes_of(pipeline, *codes):
    return {node.name for node in pipelines[pipeline].nodes if node.name.split(".")[0] in codes}


@pytest.fixture(autouse=True)
def in_project(untouched_project):
    return untouched_project


@pytest.mark.parametrize(
    ("lang", "codes"),
    [("ne", ["ne"]), ("ne+vi", ["ne", "vi"]), ("vi + ne + vi", ["ne", "vi"]), ("en", ["en"]), ("all", list(LANGUAGES))],
)
def test_languages_are_their_nodes_and_the_shared_ones_that_feed_them(lang, codes):
    chosen = of_languages(pipelines["__default__"], parse_languages(lang))
    names = {node.name for node in chosen.nodes}
    assert names == nodes_of("__default__", *codes) | SHARED_GENERATION | ENGLISH_PAGE | SHARED_BENCHMARKS


def test_shared_nodes_that_feed_nothing_of_the_language_are_left_out():
    shared = pipelines["generation"].nodes + [n for n in pipelines["translation"].nodes if n.name in SHARED_BENCHMARKS]
    arc = [node for node in pipelines["translation"].nodes if node.name.endswith(".translate_arc")]
    chosen = of_languages(Pipeline([*shared, *arc]), ["ne"])
    assert {node.name for node in chosen.nodes} == {"ne.translation.translate_arc", "translation.read_arc"}


def test_a_run_of_two_languages_is_both_whole_chains():
    names = selected(run={"lang": "ne+vi"})
    assert names == nodes_of("__default__", "ne", "vi") | SHARED_GENERATION | ENGLISH_PAGE | SHARED_BENCHMARKS


def test_without_lang_the_parameter_languages_says_it():
    assert languages_of(selected("translation")) == {"ne"}
    assert languages_of(selected("translation", run={"languages": "vi+ta"})) == {"vi", "ta"}


def test_the_configuration_can_name_the_languages(project):
    (project / "conf" / "local" / "parameters.yml").write_text("languages: kn+te\n")
    assert languages_of(selected("translation", env=None)) == {"kn", "te"}


def test_only_the_upstream_nodes_that_are_needed_are_made_first():
    sft = selected("sft", run={"lang": "ne"})
    assert sft == nodes_of("sft", "ne") | {"ne.translation.translate_instructions"} | SHARED_GENERATION


def test_a_shared_pipeline_is_whole_whatever_the_language():
    assert selected("generation", run={"lang": "vi+en"}) == SHARED_GENERATION | ENGLISH_PAGE
    assert selected("leaderboard", run={"lang": "vi"}) == {"leaderboard.build_leaderboard"}


def test_what_an_earlier_run_has_left_is_not_made_again(project):
    folder = project / "data" / "test" / "02_intermediate" / "ne"
    folder.mkdir(parents=True)
    pd.DataFrame({"id": ["a"]}).to_parquet(folder / "translated_instructions.parquet")
    assert selected("sft", run={"lang": "ne"}) == nodes_of("sft", "ne")
    both = selected("sft", run={"lang": "ne+vi"})
    assert "vi.translation.translate_instructions" in both
    assert "ne.translation.translate_instructions" not in both


def test_upstream_error_names_the_dataset_and_the_command_that_makes_it():
    message = refused("sft", run={"lang": "vi", "upstream": "error"}).message
    assert message.startswith("vi.translated_instructions does not exist yet")
    command = re.search(r"kedro run --env (\S+) --pipeline=(\S+) --params lang=(\S+)$", message)
    env, maker, lang = command.groups()
    assert (env, lang) == ("test", "vi")
    assert "vi.translated_instructions" in pipelines[maker].all_outputs()


def test_following_the_commands_of_upstream_error_leads_to_the_start():
    message = refused("translation", run={"lang": "vi", "upstream": "error"}).message
    assert message.endswith("kedro run --env test --pipeline=generation")
    assert selected("generation", run={"upstream": "error"}) == SHARED_GENERATION | ENGLISH_PAGE
    in_default_environment = refused("translation", run={"lang": "vi", "upstream": "error"}, env=None).message
    assert in_default_environment.endswith("kedro run --pipeline=generation")


@pytest.mark.parametrize("lang", [None, "ne+vi"])
def test_namespaces_choose_languages_too(lang):
    names = selected("translation", run={"lang": lang} if lang else None, namespaces=["ne", "vi"])
    asked = {f"{code}.translation.{node}" for code in ("ne", "vi") for node in TRANSLATION}
    assert names == asked | SHARED_GENERATION | SHARED_BENCHMARKS


def test_a_namespace_of_one_stage_is_only_that_stage():
    names = selected(namespaces=["vi.sft"])
    assert names == nodes_of("sft", "vi") | {"vi.translation.translate_instructions"} | SHARED_GENERATION


@pytest.mark.parametrize(
    ("filters", "codes"),
    [
        ({"tags": ["vi"]}, {"vi"}),
        ({"to_outputs": ["vi.sft_model"]}, {"vi"}),
        ({"from_nodes": ["generation.split_instructions"]}, {"ne"}),
        ({"to_nodes": ["generation.read_seeds"]}, set()),
    ],
)
def test_filters_that_name_a_language_choose_it_and_others_stay_with_the_default(filters, codes):
    assert languages_of(selected(**filters)) == codes


def test_named_nodes_run_as_they_are_named():
    names = ["generation.read_seeds", "generation.read_alpaca", "vi.translation.translate_arc", "translation.read_arc"]
    assert selected(node_names=names) == set(names)


def test_languages_that_contradict_each_other_are_an_error_not_a_run_of_everything():
    assert "nothing to run" in refused(run={"lang": "vi"}, namespaces=["ne"]).message
    assert "nothing to run" in refused(run={"lang": "vi"}, tags=["ne"]).message


def test_two_sessions_in_one_process_run_each_its_own_language():
    first = selected("translation", run={"lang": "ne"})
    second = selected("translation", run={"lang": "vi"})
    assert (languages_of(first), languages_of(second)) == ({"ne"}, {"vi"})


def test_a_run_leaves_what_its_language_asked_for_and_nothing_of_others(project):
    with session_for({"lang": "vi"}) as session:
        session.run(pipeline_names=["translation"], namespaces=["vi"])
    with session_for({"lang": "en"}) as session:
        session.run(pipeline_names=["translation"])
    folder = project / "data" / "test" / "02_intermediate"
    assert {path.name for path in folder.iterdir()} == {"completions", "en_source", "en", "vi"}
    vi, en = (pd.read_parquet(folder / code / "translated_instructions.parquet") for code in ("vi", "en"))
    assert set(vi["id"]) < set(en["id"]), "English keeps every row; the offline teacher cannot translate all of them"
    assert set(vi["attempts"]) <= {1, 2}
    assert set(en["attempts"]) == {0}
    assert not (folder / "completions" / "translation.en.jsonl").exists()


@pytest.mark.parametrize("lang", ["xx", "NE", "ne+xx", None])
def test_an_unknown_language_is_one_line_with_the_known_ones_and_exit_code_2(lang):
    error = refused(run={"lang": lang})
    assert isinstance(error, click.BadParameter)
    assert error.exit_code == 2
    assert re.search(r"unknown language '.*'; known: ar, bn, .*, zh, all, or multi$", error.message)
    assert all(f" {code}," in error.message for code in LANGUAGES)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"sft": {"trainning": {"epochs": 1}}}, "unknown parameter sft.trainning; known there: answers"),
        ({"ne": {"sft": {"trainning": {"epochs": 1}}}}, "unknown parameter ne.sft.trainning"),
        ({"laang": "vi"}, "unknown parameter laang; known: alpaca, base_model"),
        ({"sft": {"training": {"epochs": "many"}}}, "parameter sft.training.epochs: Input should be a valid number"),
        ({"ne": {"sft": {"training": {"epochs": "x"}}}}, "parameter ne.sft.training.epochs: Input should be"),
        (
            {"sft": {"training": {"batch_size": 7}}},
            "parameter sft.training: batch_size 7 is no multiple of micro_batch",
        ),
        ({"benchmarks": 3}, "parameter benchmarks.arc: "),
        ({"upstream": "eror"}, "parameter upstream: Input should be 'missing' or 'error'; it is 'eror'"),
        ({"seed": "abc"}, "parameter seed: Input should be a valid integer"),
        ({"languages": "xx"}, "parameter languages: unknown language 'xx'; known: ar"),
    ],
)
def test_a_wrong_parameter_is_one_line_that_names_it(run, message):
    found = refused(run={"lang": "ne", **run} if "languages" not in run else run).message
    assert found.startswith(message)
    assert len(found) < 400


def test_a_parameter_of_another_language_does_not_matter_until_it_is_run():
    assert languages_of(selected("sft", run={"lang": "ne", "vi": {"sft": {"training": {"epochs": 2}}}})) == {"ne"}


def test_a_typo_in_a_file_is_one_line_too(project):
    (project / "conf" / "local" / "parameters.yml").write_text("sft: {trianing: 3}\n")
    assert refused("sft", env=None).message.startswith("parameter sft.trianing: Extra inputs are not permitted")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pipeline": "translatoin"}, "unknown pipeline 'translatoin'; known: __default__, evaluation, generation"),
        ({"node_names": ["no.such.node"]}, "no.such.node"),
        ({"namespaces": ["xx"]}, "xx"),
        ({"tags": ["nosuch"]}, "no nodes"),
        ({"from_inputs": ["nosuch"]}, "nosuch"),
        ({"env": "tset"}, "conf/tset"),
    ],
)
def test_a_wrong_name_on_the_command_line_is_one_line(arguments, message):
    error = refused(**arguments)
    assert message in error.message
    assert error.exit_code == 1


@pytest.mark.parametrize(("env", "pipeline"), [("paper", "__default__"), ("paper_llama", "generation")])
def test_the_paper_without_a_key_is_one_line_before_any_node_runs(project, pipeline, env):
    with pytest.raises(click.ClickException) as error, session_for({"lang": "ne"}, env) as session:
        session.run(pipeline_names=[pipeline])
    assert "OPENAI_API_KEY" in error.value.message
    assert "default environment" in error.value.message
    assert "\n" not in error.value.message
    assert not (project / "data" / "paper").exists()
    assert not (project / "data" / "paper_llama").exists()


def test_the_paper_with_a_key_begins(project, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "planted-key-1234")
    assert selected("generation", env="paper") == SHARED_GENERATION | ENGLISH_PAGE


def test_the_projects_session_is_ours_and_gives_one_context():
    with session_for() as session:
        # By name: a test of the notebook extension reloads the modules of the package.
        assert type(session).__name__ == LanguageSession.__name__
        assert session.load_context() is session.load_context()
