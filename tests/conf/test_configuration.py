"""The configuration holds together in every environment: nothing is missing, nothing is unread, nothing is secret."""

import inspect
import re
from pathlib import Path
from typing import get_type_hints

import pytest
from kedro.io.catalog_config_resolver import CatalogConfigResolver
from kedro.validation.parameter_validator import ParameterValidator
from pydantic import TypeAdapter

from okapi_kedro.config import LanguageConfigLoader
from okapi_kedro.languages import LANGUAGES, NAMESPACES
from okapi_kedro.pipeline_registry import register_pipelines
from okapi_kedro.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).parents[2] / "conf"
ENVIRONMENTS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "local")
READ_BY_THE_SESSION = {"dry_run", "languages", "upstream"}


@pytest.fixture(params=ENVIRONMENTS)
def environment(request):
    return request.param


@pytest.fixture
def loader(environment, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return LanguageConfigLoader(str(CONF), env=environment, **CONFIG_LOADER_ARGS)


def parameters_of(environment):
    return LanguageConfigLoader(str(CONF), env=environment, **CONFIG_LOADER_ARGS)["parameters"]


def inputs_and_outputs():
    return {name for pipeline in register_pipelines().values() for name in pipeline.datasets()}


def datasets():
    return sorted(name for name in inputs_and_outputs() if not name.startswith("params:"))


def read_parameters():
    return {name.removeprefix("params:") for name in inputs_and_outputs() if name.startswith("params:")}


def value_at(table, path):
    for part in path.split("."):
        table = table[part]
    return table


def leaves(table, path=""):
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_the_environments_are_those_that_the_readme_offers():
    assert set(ENVIRONMENTS) == {"base", "test", "real", "paper", "paper_llama"}


def test_every_dataset_has_a_catalog_entry_with_a_place_of_its_own(loader):
    catalog = loader["catalog"]
    resolver = CatalogConfigResolver(catalog, loader["credentials"] if "paper" in loader.env else {})
    places = {}
    shared_on_purpose = {"spending", *(f"{code}.prompt_template" for code in LANGUAGES)}
    for name in datasets():
        assert name in catalog or resolver.match_dataset_pattern(name), f"{name} would silently stay in memory"
        entry = resolver.resolve_pattern(name)
        assert "MemoryDataset" not in entry["type"], name
        places[name] = entry.get("filepath") or entry["path"]
        language = name.split(".")[0]
        if language in LANGUAGES and name not in shared_on_purpose:
            assert f"/{language}/" in places[name], name
    own = [place for name, place in places.items() if name not in shared_on_purpose]
    assert len(set(own)) == len(own)


def test_what_a_run_makes_lies_under_the_environments_own_data_root(loader, environment):
    resolver = CatalogConfigResolver(loader["catalog"], loader["credentials"] if "paper" in environment else {})
    made = {name for pipeline in register_pipelines().values() for name in pipeline.all_outputs()}
    root = "data" if environment == "base" else f"data/{environment}"
    for name in made:
        entry = resolver.resolve_pattern(name)
        assert re.match(rf"{root}/0[268]_\w+/", entry.get("filepath") or entry["path"]), name
    for name in ("seed_tasks", "alpaca", "human_files", "arc_files", "generation_prompt", "okapi_files"):
        entry = resolver.resolve_pattern(name)
        assert (entry.get("filepath") or entry["path"]).startswith("data/01_raw/"), name


def test_every_parameter_that_nodes_ask_for_exists_and_has_their_type(loader):
    parameters = loader["parameters"]
    for pipeline in register_pipelines().values():
        for node in pipeline.nodes:
            types = get_type_hints(node.func)
            signature = inspect.signature(node.func)
            bound = signature.bind(**node._inputs) if isinstance(node._inputs, dict) else signature.bind(*node._inputs)
            # The tables of `count_stages` are gathered in **tables; only its row count is a parameter among them.
            for argument, dataset in bound.arguments.items():
                if isinstance(dataset, str) and dataset.startswith("params:"):
                    value = value_at(parameters, dataset.removeprefix("params:"))
                    TypeAdapter(types[argument]).validate_python(value)


def test_kedro_hands_nodes_their_models(loader):
    validated = ParameterValidator(register_pipelines()).validate_raw_params(loader["parameters"])
    assert type(validated["vi"]["sft"]).__name__ == "SftParameters"
    assert type(validated["generation"]).__name__ == "GenerationParameters"
    assert type(validated["benchmarks"]["arc"]).__name__ == "BenchmarkParameters"


def test_every_language_has_its_code_as_a_parameter(loader):
    parameters = loader["parameters"]
    assert [parameters[code]["language"] for code in LANGUAGES] == list(LANGUAGES)


def test_no_parameter_is_unread(loader):
    read = {
        path.removeprefix(f"{path.split('.')[0]}.") if path.split(".")[0] in NAMESPACES else path
        for path in read_parameters()
    }
    shared = {name: value for name, value in loader["parameters"].items() if name not in NAMESPACES}
    unread = [
        leaf
        for leaf in leaves(shared)
        if leaf not in READ_BY_THE_SESSION and not any(leaf == path or leaf.startswith(f"{path}.") for path in read)
    ]
    assert unread == []


@pytest.mark.parametrize("environment", ["paper", "paper_llama"])
@pytest.mark.parametrize("language", ["ne", "zh"])
def test_the_papers_hyperparameters_are_the_papers(environment, language):
    own = parameters_of(environment)[language]
    training = ("epochs", "learning_rate", "schedule", "warmup_steps", "batch_size", "weight_decay", "max_length")
    sft, reward, rl = own["sft"]["training"], own["reward"]["training"], own["rl"]["groups"]["training"]
    assert [sft[name] for name in training] == [3, 2e-5, "cosine", 300, 128, 0.05, 512]
    assert [reward[name] for name in training] == [3, 3e-5, "cosine", 50, 64, 1e-4, 768]
    assert [rl[name] for name in training] == [5, 1e-6, "constant_with_warmup", 0, 128, 1e-6, 512]
    assert own["reward"]["trainable_blocks"] == 12
    assert own["rl"]["groups"]["max_new_tokens"] == 256
    ppo = own["rl"]["ppo"]
    names = ("trainable_blocks", "rollouts", "inner_epochs", "learning_rate", "max_new_tokens", "epochs")
    assert [ppo[name] for name in names] == [4, 128, 4, 1e-6, 256, 5]
    assert ppo["kl"]["coefficient"] in (0.05, 0.1)
    assert own["ranking"]["responses"] == 4
    assert own["ranking"]["pairs"] == "all"
    assert {name: own["benchmarks"][name]["shots"] for name in own["benchmarks"]} == {
        "arc": 25,
        "hellaswag": 0,
        "mmlu": 25,
    }
    assert [own["benchmarks"][name]["most_rows"] for name in own["benchmarks"]] == [None, None, None]


@pytest.mark.parametrize("environment", ["paper", "paper_llama"])
def test_the_papers_data_have_the_papers_sizes(environment):
    parameters = parameters_of(environment)
    generation, split = parameters["generation"], parameters["split"]
    assert generation["target"] == 106_000
    assert parameters["alpaca"]["rows"] is None
    assert (generation["examples_per_request"], generation["tasks_per_request"]) == (3, 20)
    assert (generation["temperature"], generation["top_p"], generation["threshold"]) == (1, 1, 0.7)
    assert (generation["filters"]["shortest"], generation["filters"]["longest"]) == (3, 150)
    assert generation["most_requests"] * generation["tasks_per_request"] > 2 * generation["target"]
    assert split["sft_share"] == {"seed": 1, "alpaca": 1, "human": 1, "generated": 0}
    assert round(split["ranking_share"] * 106_000, -3) == 42_000
    assert split["held_out"] == 0.1
    assert parameters["upstream"] == "error"


def test_the_paper_environments_name_the_papers_models_and_differ_in_nothing_else():
    bloom, llama = parameters_of("paper"), parameters_of("paper_llama")
    assert bloom["base_model"]["name"] == "bigscience/bloom-7b1"
    assert llama["base_model"]["name"] == "huggyllama/llama-7b"
    differing = [leaf for leaf in leaves(bloom) if value_at(bloom, leaf) != value_at(llama, leaf)]
    assert {leaf.removeprefix(f"{leaf.split('.')[0]}.") for leaf in differing} == {"name", "base_model.name"}


def test_links_of_paper_llama_lead_to_files_of_paper():
    links = [path for path in (CONF / "paper_llama").iterdir() if path.is_symlink()]
    assert len(links) >= 3
    for link in links:
        assert link.resolve() == (CONF / "paper" / link.name).resolve()
        assert link.resolve().is_file()
        assert not link.readlink().is_absolute()


def test_the_demo_needs_neither_key_nor_network_nor_hub():
    for environment in ("base", "test", "real"):
        loader = LanguageConfigLoader(str(CONF), env=environment, **CONFIG_LOADER_ARGS)
        assert loader["catalog"]["teacher"]["base_url"] == "offline"
        assert "credentials" not in loader["catalog"]["teacher"]
        assert loader["parameters"]["base_model"]["name"] in ("embedded", "untrained")


def test_the_key_of_the_paper_comes_from_the_environment_alone(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "planted")
    for environment in ("paper", "paper_llama"):
        loader = LanguageConfigLoader(str(CONF), env=environment, **CONFIG_LOADER_ARGS)
        assert loader["credentials"] == {"teacher": {"api_key": "planted"}}
        assert "planted" not in str(loader["catalog"])


SECRETS = re.compile(
    r"\b(sk|pk|rk)-[\w-]{12,}|\bhf_\w{12,}|\bgh[pousr]_\w{12,}|\bgithub_pat_|\bAKIA[0-9A-Z]{12,}|\bxox[abp]-"
    r"|BEGIN [A-Z ]*PRIVATE"
    r"|(?i:api_?key|token|secret|password)\s*[:=]\s*['\"]?(?!\$\{)[\w/+-]{6,}"
)


@pytest.mark.parametrize("text", ["key: sk-abcdefghijklmnop", "api_key: abcdef123", 'token = "hf_abcdefghijklmnop"'])
def test_the_pattern_of_secrets_finds_one(text):
    assert SECRETS.search(text)


def test_no_file_of_the_configuration_looks_like_it_holds_a_secret():
    files = [path for path in CONF.rglob("*") if path.is_file() and "local" not in path.relative_to(CONF).parts]
    assert len(files) > 15
    found = {str(path.relative_to(CONF)): SECRETS.search(path.read_text(encoding="utf-8")) for path in files}
    assert [name for name, match in found.items() if match] == []
