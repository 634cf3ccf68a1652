"""Published files in the place of the teacher; never part of the chain, whose nodes make the same tables."""

from kedro.pipeline import Node, Pipeline, node

from okapi_kedro.pipelines.ingest.nodes import ingest_benchmark, ingest_instructions, ingest_preferences
from okapi_kedro.text.okapi_files import BENCHMARKS

SHARED_INPUTS = {"okapi_files"}


def create_pipeline() -> Pipeline:
    """One node for each table, so that one alone can be asked for: --to-outputs=vi.arc."""
    instructions = node(
        ingest_instructions,
        ["okapi_files", "params:ingest", "params:split", "params:language"],
        ["translated_instructions", "rejected_translations", "instruction_defects"],
        name="ingest_instructions",
    )
    preferences = node(
        ingest_preferences,
        ["okapi_files", "prompt_template", "params:split", "params:language"],
        ["preferences", "rejected_rankings", "preference_defects"],
        name="ingest_preferences",
    )
    return Pipeline([instructions, preferences, *(_benchmark_node(benchmark) for benchmark in BENCHMARKS)])


def _benchmark_node(benchmark: str) -> Node:
    return node(
        ingest_benchmark,
        ["okapi_files", f"params:benchmarks.{benchmark}", "params:language", "params:seed"],
        [benchmark, f"rejected_{benchmark}"],
        name=f"ingest_{benchmark}",
    )
