"""Selects what a run works on: the languages, and the upstream nodes whose products do not exist yet."""

import logging
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

import click
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.io import CatalogProtocol, DatasetError
from kedro.pipeline import Pipeline
from kedro.pipeline.pipeline import OutputNotUniqueError
from kedro.runner import AbstractRunner
from kedro.validation import ParameterValidationError
from kedro.validation.type_extractor import TypeExtractor
from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError
from yaml import YAMLError

from okapi_kedro.dry_run import dry_run
from okapi_kedro.errors import UserError
from okapi_kedro.languages import NAMESPACES, UnknownLanguageError, parse_languages
from okapi_kedro.teacher.account import LimitReached

logger = logging.getLogger(__name__)

Model = TypeVar("Model")

CAN_BE_MENDED = (
    UserError,
    DatasetError,
    ParameterValidationError,
    MissingConfigException,
    YAMLError,
    OSError,
)
"""What a run raises for files, parameters and an environment that its user can put right."""


class RunParameters(BaseModel):
    """The parameters of the run as a whole.

    Args:
        languages: what a run works on when it is not told: `ne`, `ne+vi` or `all`.
        upstream: inputs that do not exist yet are made first (`missing`) or named in an error (`error`).
        dry_run: only says what the teacher would be asked and what that would cost.
        seed: of everything that is drawn.
    """

    languages: Annotated[tuple[str, ...], BeforeValidator(lambda text: parse_languages(str(text)))]
    upstream: Literal["missing", "error"]
    dry_run: bool
    seed: int


class LanguageSession(KedroSession):
    """A Kedro session that understands `--params lang=ne`, `lang=ne+vi` and `lang=all`.

    The run parameter `lang` keeps the nodes of those languages and the shared English nodes that feed them. Without it,
    the languages are those that the filters name (`--namespaces ne,vi`), or else the parameter `languages`. Inputs that
    do not exist yet are made first (parameter `upstream: missing`) or named in an error with the command that makes
    them (`upstream: error`).

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
            _check_parameters(requested, self._parameters)
            upstream = self._upstream(requested)
            if self._parameters["dry_run"]:
                print(dry_run(requested + upstream, self.load_context().catalog))
                return {}
            return super().run(
                pipeline_names=[*names, "__default__"] if upstream.nodes else names,
                runner=runner,
                node_names=[node.name for node in (requested + upstream).nodes],
                load_versions=load_versions,
                only_missing_outputs=only_missing_outputs,
            )
        except UnknownLanguageError as error:
            raise click.BadParameter(str(error), param_hint="--params lang") from error
        except LimitReached as error:
            raise click.ClickException(f"{error}; {self._how_to_go_on(names, error.raise_to)}") from error
        except OutputNotUniqueError as error:
            together = ", ".join(sorted(names))
            raise click.ClickException(f"not in one run, tables would be made twice: {together}") from error
        except CAN_BE_MENDED as error:
            raise click.ClickException(_one_line(error)) from error

    def _how_to_go_on(self, names: list[str], raise_to: str) -> str:
        """The command that goes on where a limit has stopped a run."""
        given = self.store.get("runtime_params") or {}
        raised = raise_to.split("=", maxsplit=1)[0]
        kept = [f"{name}={value}" for name, value in _flat(given) if name != raised]
        env = self.load_context().env
        command = [
            "kedro run",
            *([f"--env {env}"] if env else []),
            *([f"--pipeline={','.join(names)}"] if names != ["__default__"] else []),
            *([f"--params {','.join([*kept, *filter(None, [raise_to])])}"] if kept or raise_to else []),
        ]
        return f"all answers so far are stored; to go on: {' '.join(command)}"

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.load_context().config_loader["parameters"]
        return parameters

    def _requested(self, names: list[str], tags: Iterable[str] | None, filters: dict[str, Any]) -> Pipeline:
        """The nodes of the named pipelines that the command line asks for, in the languages of this run."""
        pipelines.set_requested(None)
        unknown = [name for name in names if name not in pipelines]
        if unknown:
            raise UserError(f"unknown pipeline {unknown[0]!r}; known: {', '.join(sorted(pipelines))}")
        whole: Pipeline = sum((pipelines[name] for name in names), start=Pipeline([]))
        node_filters = {"node_namespaces" if name == "namespaces" else name: value for name, value in filters.items()}
        try:
            filtered = whole.filter(tags=tags, **node_filters)
        except ValueError as error:
            raise UserError(str(error)) from error
        given = self.store.get("runtime_params") or {}
        default = _validated(RunParameters, self._parameters).languages
        if "lang" not in given and filters["node_names"]:
            return filtered
        named = _named({**filters, "tags": tags})
        codes = parse_languages(str(given["lang"] or "")) if "lang" in given else named or default
        selected = of_languages(filtered, codes)
        if not selected.nodes:
            raise UserError(f"nothing to run: no node that was asked for is of {'+'.join(codes)}")
        return selected

    def _upstream(self, requested: Pipeline) -> Pipeline:
        """The nodes that make those inputs of the requested ones that no earlier run has left behind."""
        context = self.load_context()
        catalog = context.catalog
        upstream = Pipeline([])
        while missing := _missing_inputs(requested + upstream, catalog):
            if self._parameters["upstream"] == "error":
                command = how_to_make(missing[0], context.env)
                raise UserError(f"{missing[0]} does not exist yet (upstream: error); make it first: {command}")
            upstream += pipelines["__default__"].only_nodes_with_outputs(*missing)
        if upstream.nodes:
            made = sorted({node.name for node in upstream.nodes})
            logger.info("Made first, because it does not exist yet (upstream: missing): %s", ", ".join(made))
        return upstream


def _flat(parameters: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Nested run parameters as they are written after --params."""
    for name, value in parameters.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def of_languages(pipeline: Pipeline, codes: Iterable[str]) -> Pipeline:
    """The nodes of some languages, with the shared ones that feed them and what else these lead to, such as their page.

    A pipeline of shared nodes stays whole.
    """
    wanted = set(codes)
    own = [node for node in pipeline.nodes if _language_of(node.namespace) in wanted]
    shared = Pipeline([node for node in pipeline.nodes if _language_of(node.namespace) is None])
    if not own:
        return shared
    needed = set(Pipeline(own).inputs())
    feeding = shared.to_outputs(*(needed & shared.all_outputs())) if needed & shared.all_outputs() else Pipeline([])
    return Pipeline(own) + feeding + shared.from_inputs(*feeding.all_outputs())


def _named(filters: dict[str, Any]) -> tuple[str, ...]:
    """The languages that nodes, namespaces, datasets and tags in the filters begin with."""
    named = [_language_of(value) for values in filters.values() for value in values or ()]
    return tuple(dict.fromkeys(code for code in named if code))


def _language_of(namespace: str | None) -> str | None:
    first = (namespace or "").split(".")[0]
    return first if first in NAMESPACES else None


def _missing_inputs(pipeline: Pipeline, catalog: "CatalogProtocol[Any, Any]") -> list[str]:
    makeable = pipelines["__default__"].all_outputs()
    return sorted(name for name in pipeline.inputs() & makeable if not catalog.exists(name))


def how_to_make(dataset: str, env: str | None) -> str:
    """The command whose stage makes a dataset of the chain."""
    [maker] = pipelines["__default__"].only_nodes_with_outputs(dataset).nodes
    stage = (maker.namespace or "").rsplit(".", maxsplit=1)[-1]
    language = dataset.split(".", maxsplit=1)[0]
    command = f"kedro run{f' --env {env}' if env else ''} --pipeline={stage}"
    selection = f" --params lang={language}" if language in NAMESPACES else ""
    return f"{command}{selection}"


def _check_parameters(requested: Pipeline, parameters: dict[str, Any]) -> None:
    """Raises a UserError for a value that the nodes cannot take; Kedro's own check says so once for each language."""
    models = TypeExtractor({"requested": requested}).extract_types_from_pipelines()
    for name, model in models.items():
        language = _language_of(name)
        shared = name.removeprefix(f"{language}.")
        for each in dict.fromkeys((shared, name)):
            _validated(model, _value(parameters, each), each)


def _value(parameters: Any, name: str) -> Any:
    for part in name.split("."):
        parameters = parameters.get(part) if isinstance(parameters, dict) else None
    return parameters


def _validated(model: type[Model], value: Any, name: str = "") -> Model:
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (name, *first["loc"]) if part)
        value = "" if first["type"] == "value_error" else f"; it is {first['input']!r}"
        raise UserError(f"parameter {where}: {first['msg'].removeprefix('Value error, ')}{value}") from error


def _one_line(error: BaseException) -> str:
    """What went wrong; a cause in the file system tells more than what Kedro makes of it."""
    cause: BaseException = error
    while isinstance(cause, DatasetError) and cause.__cause__:
        cause = cause.__cause__
    if isinstance(cause, OSError) and cause.filename:
        return f"{cause.strerror}: {cause.filename}"
    told = cause if isinstance(cause, UserError) else error
    return " ".join(" ".join([str(told), *getattr(error, "__notes__", [])]).split())
