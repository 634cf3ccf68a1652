"""Selects what a run works on: the languages, and the upstream nodes whose products do not exist yet."""

import logging
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import click
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.io import CatalogProtocol, DatasetError
from kedro.pipeline import Pipeline
from kedro.runner import AbstractRunner
from kedro.validation import ParameterValidationError

from okapi_kedro.errors import UserError
from okapi_kedro.languages import LANGUAGES, UnknownLanguageError, parse_languages

logger = logging.getLogger(__name__)

NODE_FILTERS = ("node_names", "from_nodes", "to_nodes", "from_inputs", "to_outputs", "namespaces")


class LanguageSession(KedroSession):
    """A Kedro session that understands `--params lang=ne`, `lang=ne+vi` and `lang=all`.

    The run parameter `lang` (by default the parameter `languages`) keeps the nodes of those languages and the shared
    English nodes that feed them. Inputs that do not exist yet are made first (parameter `upstream: missing`) or named
    in an error with the command that makes them (`upstream: error`).

    Raises:
        click.BadParameter: for an unknown language (exit code 2, one line).
        click.ClickException: for what a user can put right - parameters, files, a key - as one line.
    """

    def load_context(self) -> KedroContext:
        return self._loaded_context

    @cached_property
    def _loaded_context(self) -> KedroContext:
        return super().load_context()

    def run(
        self,
        pipeline_name: str | None = None,
        pipeline_names: list[str] | None = None,
        tags: Iterable[str] | None = None,
        runner: AbstractRunner | None = None,
        node_names: Iterable[str] | None = None,
        from_nodes: Iterable[str] | None = None,
        to_nodes: Iterable[str] | None = None,
        from_inputs: Iterable[str] | None = None,
        to_outputs: Iterable[str] | None = None,
        load_versions: dict[str, str] | None = None,
        namespaces: Iterable[str] | None = None,
        only_missing_outputs: bool = False,
    ) -> dict[str, Any]:
        names = [pipeline_name] if pipeline_name else pipeline_names or ["__default__"]
        filters = {
            "node_names": node_names,
            "from_nodes": from_nodes,
            "to_nodes": to_nodes,
            "from_inputs": from_inputs,
            "to_outputs": to_outputs,
            "namespaces": namespaces,
        }
        try:
            requested = self._requested(names, tags, filters)
            upstream = self._upstream(requested)
            return super().run(
                pipeline_names=[*names, "__default__"] if upstream.nodes else names,
                runner=runner,
                node_names=[node.name for node in (requested + upstream).nodes],
                load_versions=load_versions,
                only_missing_outputs=only_missing_outputs,
            )
        except UnknownLanguageError as error:
            raise click.BadParameter(str(error), param_hint="--params lang") from error
        except (UserError, DatasetError, ParameterValidationError) as error:
            raise click.ClickException(_one_line(error)) from error

    def _requested(self, names: list[str], tags: Iterable[str] | None, filters: dict[str, Any]) -> Pipeline:
        """The nodes of the named pipelines that the command line asks for, in the languages of this run."""
        pipelines.set_requested(None)
        unknown = [name for name in names if name not in pipelines]
        if unknown:
            raise UserError(f"unknown pipeline {unknown[0]!r}; known: {', '.join(sorted(pipelines))}")
        whole: Pipeline = sum((pipelines[name] for name in names), start=Pipeline([]))
        node_filters = {"node_namespaces" if name == "namespaces" else name: value for name, value in filters.items()}
        filtered = whole.filter(tags=tags, **node_filters)
        given = (self.store.get("runtime_params") or {}).get("lang")
        if given is None and any(filters[name] for name in NODE_FILTERS):
            return filtered
        default = self._get_config_loader()["parameters"]["languages"]
        return of_languages(filtered, parse_languages(str(given or default)))

    def _upstream(self, requested: Pipeline) -> Pipeline:
        """The nodes that make those inputs of the requested ones that no earlier run has left behind."""
        context = self.load_context()
        catalog, parameters = context.catalog, context.config_loader["parameters"]
        upstream = Pipeline([])
        while missing := _missing_inputs(requested + upstream, catalog):
            if parameters["upstream"] == "error":
                raise UserError(_how_to_make(missing[0], context.env))
            upstream += pipelines["__default__"].only_nodes_with_outputs(*missing)
        if upstream.nodes:
            made = sorted({node.name for node in upstream.nodes})
            logger.info("Made first, because it does not exist yet (upstream: missing): %s", ", ".join(made))
        return upstream


def of_languages(pipeline: Pipeline, codes: Iterable[str]) -> Pipeline:
    """The nodes of some languages, with the shared ones that feed them; a pipeline of shared nodes stays whole."""
    wanted = set(codes)
    own = [node for node in pipeline.nodes if _language_of(node.namespace) in wanted]
    shared = Pipeline([node for node in pipeline.nodes if _language_of(node.namespace) is None])
    if not own:
        return shared
    needed = set(Pipeline(own).inputs())
    feeding = shared.to_outputs(*(needed & shared.all_outputs())) if needed & shared.all_outputs() else Pipeline([])
    return Pipeline(own) + feeding


def _language_of(namespace: str | None) -> str | None:
    first = (namespace or "").split(".")[0]
    return first if first in LANGUAGES else None


def _missing_inputs(pipeline: Pipeline, catalog: "CatalogProtocol[Any, Any]") -> list[str]:
    makeable = pipelines["__default__"].all_outputs()
    return sorted(name for name in pipeline.inputs() & makeable if not catalog.exists(name))


def _how_to_make(dataset: str, env: str | None) -> str:
    maker = next(
        name
        for name, pipeline in sorted(pipelines.items())
        if name != "__default__" and dataset in pipeline.all_outputs()
    )
    language = dataset.split(".", maxsplit=1)[0]
    command = f"kedro run{f' --env {env}' if env else ''} --pipeline={maker}"
    selection = f" --params lang={language}" if language in LANGUAGES else ""
    return f"{dataset} does not exist yet (upstream: error); make it first: {command}{selection}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
