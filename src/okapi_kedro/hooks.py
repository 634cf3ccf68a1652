"""What a run tells its user: what it uses, how long each stage took, and where the report is."""

import logging
import time
from typing import Any

import datasets
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from transformers.utils import logging as transformers_logging

from okapi_kedro.datasets import TeacherDataset
from okapi_kedro.errors import UserError
from okapi_kedro.languages import LANGUAGES, NAMESPACES
from okapi_kedro.training.freed_memory import keep_freed_memory

logger = logging.getLogger(__name__)


class ProjectHooks:
    """Names teacher, model and sizes at the start, times the nodes, and prints each report's stages at the end."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        datasets.disable_progress_bars()
        keep_freed_memory()
        languages = sorted({_language(node) for node in pipeline.nodes} - {""})
        logger.info("Languages: %s", ", ".join(languages) or "none, English source data only")
        if "teacher" in pipeline.inputs():
            teacher = catalog.get("teacher")
            if isinstance(teacher, TeacherDataset):
                teacher.require_key()
                logger.info("Teacher: %s", teacher.label())
        for language in languages:
            base_model = catalog.load(f"params:{language}.base_model.name")
            target = catalog.load("params:generation.target")
            logger.info("%s: base model %s, %s generated instructions asked for", language, base_model, f"{target:,}")
        for owner in ["", *languages]:
            seconds = catalog.get(_seconds_dataset(owner))
            if seconds is not None and not seconds.exists():
                seconds.save({})

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        self._started[node.name] = time.perf_counter()

    @hook_impl
    def after_node_run(self, node: Node, catalog: DataCatalog) -> None:
        name = _seconds_dataset(_language(node))
        seconds = catalog.load(name)
        spent = round(time.perf_counter() - self._started.pop(node.name), 2)
        catalog.save(name, {**seconds, node.name.removeprefix(f"{_language(node)}."): spent})

    @hook_impl
    def on_node_error(self, error: Exception, node: Node, catalog: DataCatalog) -> None:
        """Adds where the file is that an error names by its dataset."""
        named = [name for name in node.inputs if isinstance(error, UserError) and name in str(error).split()]
        for name in named:
            dataset = catalog.get(name)
            filepath = dataset._describe().get("filepath") if dataset else None
            if filepath:
                error.add_note(f"({name} is {filepath})")

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        for summary in sorted(name for name in pipeline.all_outputs() if name.endswith(".summary")):
            print(_table(summary.split(".")[0], catalog))


def _language(node: Node) -> str:
    first = (node.namespace or "").split(".")[0]
    return first if first in NAMESPACES else ""


def _seconds_dataset(language: str) -> str:
    return f"{language}.own_node_seconds" if language else "node_seconds"


def _table(language: str, catalog: DataCatalog) -> str:
    stages: list[dict[str, Any]] = catalog.load(f"{language}.summary")["stages"]
    lines = [
        f"\n{LANGUAGES[language].name} ({language})",
        f"{'stage':<24}{'in':>8}{'kept':>8}{'rejected':>10}{'seconds':>9}",
    ]
    lines += [
        f"{row['stage']:<24}{row['in']:>8,}{row['kept']:>8,}{row['rejected']:>10,}{row['seconds']:>9.1f}"
        for row in stages
    ]
    report = catalog.get(f"{language}.report")
    return "\n".join([*lines, f"Report: {report._describe()['filepath']}" if report else ""])
