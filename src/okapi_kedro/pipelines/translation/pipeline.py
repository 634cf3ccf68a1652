"""Instructions and the three benchmarks in one language."""

from kedro.pipeline import Node, Pipeline, node

from okapi_kedro.evaluation.tasks import Benchmark
from okapi_kedro.pipelines.translation.nodes import (
    keep_english_benchmark,
    keep_english_instructions,
    read_benchmark_files,
    translate_benchmark,
    translate_instructions,
)

BENCHMARKS: tuple[Benchmark, ...] = ("arc", "hellaswag", "mmlu")


def create_shared_pipeline() -> Pipeline:
    """The English benchmarks, read from their files; shared by all languages."""
    return Pipeline([_read_node(benchmark) for benchmark in BENCHMARKS])


def create_pipeline() -> Pipeline:
    """Every row translated by the teacher in one request and checked; failures are kept aside."""
    instructions = node(
        translate_instructions,
        [
            "instructions",
            "instruction_splits",
            "translation_prompt",
            "teacher",
            "params:translation",
            "params:language",
        ],
        ["translated_instructions", "rejected_translations"],
        name="translate_instructions",
        tags=["teacher"],
    )
    return Pipeline([instructions, *(_translate_node(benchmark) for benchmark in BENCHMARKS)])


def create_english_pipeline() -> Pipeline:
    """The same tables for English, without a teacher."""
    instructions = node(
        keep_english_instructions,
        ["instructions", "instruction_splits"],
        ["translated_instructions", "rejected_translations"],
        name="keep_english_instructions",
    )
    benchmarks = [
        node(
            keep_english_benchmark,
            [f"english_{benchmark}"],
            [benchmark, f"rejected_{benchmark}"],
            name=f"keep_english_{benchmark}",
        )
        for benchmark in BENCHMARKS
    ]
    return Pipeline([instructions, *benchmarks])


def _read_node(benchmark: Benchmark) -> Node:
    return node(
        read_benchmark_files,
        [f"{benchmark}_files", f"params:benchmarks.{benchmark}", "params:seed"],
        [f"english_{benchmark}", f"rejected_english_{benchmark}"],
        name=f"read_{benchmark}",
    )


def _translate_node(benchmark: Benchmark) -> Node:
    return node(
        translate_benchmark,
        [
            f"english_{benchmark}",
            f"params:benchmarks.{benchmark}",
            "translation_prompt",
            "teacher",
            "params:translation",
            "params:language",
        ],
        [benchmark, f"rejected_{benchmark}"],
        name=f"translate_{benchmark}",
        tags=["teacher"],
    )
