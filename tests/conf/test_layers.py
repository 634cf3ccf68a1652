"""What kedro-viz shows of the catalog: layers that follow the stages, and previews that it can show."""

from typing import get_args

import pandera.pandas as pa
import pytest
from kedro.io.catalog_config_resolver import CatalogConfigResolver
from kedro.utils import load_obj

from okapi_kedro.config import LanguageConfigLoader
from okapi_kedro.pipeline_registry import register_pipelines
from okapi_kedro.settings import CONFIG_LOADER_ARGS
from tests.conf.test_configuration import CONF

STAGES = ("input", "generation", "translation", "sft", "ranking", "reward", "rl", "evaluation", "reporting")
LAYERS = {stage: f"{number} {stage}" for number, stage in enumerate(STAGES)}
BESIDE_THE_CHAIN = {
    "leaderboard": "reporting",
    "publish": "reporting",
    "ne.instruction_defects": "translation",
    "ne.preference_defects": "ranking",
}


@pytest.fixture(scope="module", params=["base", "real", "paper", "paper_llama"])
def entry_of(request):
    """The catalog entry of a dataset."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "none")
        loader = LanguageConfigLoader(str(CONF), env=request.param, **CONFIG_LOADER_ARGS)
        credentials = loader["credentials"] if "paper" in request.param else {}
        return CatalogConfigResolver(loader["catalog"], credentials).resolve_pattern


@pytest.fixture(scope="module")
def pipelines():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OKAPI_LANGUAGES", "ne")
        return register_pipelines()


def datasets(names):
    return sorted(name for name in names if not name.startswith("params:"))


def layer(entry):
    return entry["metadata"]["kedro-viz"]["layer"]


def maker_of(name, pipelines):
    """The stage that makes a dataset, in the chain before all others."""
    chain_first = [pipelines["__default__"], *pipelines.values()]
    makers = [node for pipeline in chain_first for node in pipeline.nodes if name in node.outputs]
    return makers[0].namespace.split(".")[-1] if makers else "input"


def test_the_layer_of_a_dataset_is_the_stage_that_makes_it(entry_of, pipelines):
    for name in datasets(set().union(*(pipeline.datasets() for pipeline in pipelines.values()))):
        maker = maker_of(name, pipelines)
        stage = BESIDE_THE_CHAIN.get(name) or BESIDE_THE_CHAIN.get(maker, maker)
        assert layer(entry_of(name)) == LAYERS[stage], name


def test_no_node_leads_back_to_an_earlier_layer(entry_of, pipelines):
    """kedro-viz shows no layers at all when they form a cycle."""
    order = list(LAYERS.values())
    for node in {node for pipeline in pipelines.values() for node in pipeline.nodes}:
        before = [order.index(layer(entry_of(name))) for name in datasets(node.inputs)]
        after = [order.index(layer(entry_of(name))) for name in datasets(node.outputs)]
        assert max(before, default=0) <= min(after), node.name


def test_tables_with_lists_in_them_have_no_preview(entry_of, pipelines):
    """kedro-viz answers with an error where a preview holds an array."""
    without = set()
    for name in datasets(pipelines["__default__"].datasets()):
        entry = entry_of(name)
        schema = load_obj(entry["validator"]) if "validator" in entry else pa.DataFrameModel
        lists = any(object in get_args(kind) for kind in schema.__annotations__.values())
        assert (entry["metadata"]["kedro-viz"].get("preview") is False) == lists, name
        without |= {name} if lists else set()
    assert {"ne.hellaswag", "english_hellaswag", "ne.sft_answers"} <= without


def test_figures_are_previewed_as_figures(entry_of):
    for name in ("instruction_verbs_figure", "ne.training_figure", "ne.scores_figure"):
        assert entry_of(name)["type"] == "plotly.JSONDataset"
