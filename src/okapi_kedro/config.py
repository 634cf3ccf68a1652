"""Gives every language its own copy of the parameters: the shared values plus its own differences."""

from collections.abc import Iterable
from copy import copy, deepcopy
from typing import Any

from kedro.config import OmegaConfigLoader

from okapi_kedro.errors import UserError
from okapi_kedro.languages import LANGUAGES, NAMESPACES

OVERRIDES = "language_overrides"
ONLY_RUN_PARAMETERS = ("lang", "okapi_data", "prompt_frame", "real_data", "results", "teacher")
"""Run parameters that are no parameters of nodes: the languages of the run, the folders that catalog_published.yml,
catalog_tables.yml and conf/real/catalog.yml read, and settings of the catalog's teacher."""


class LanguageConfigLoader(OmegaConfigLoader):
    """Lays `params:<lang>.<name>` beside every shared `params:<name>`.

    A language's values are the shared ones, then its entry under `language_overrides` (`parameters_languages.yml`),
    then run parameters that name it (`--params ne.sft.training.epochs=1`), the later winning. `params:<lang>.language`
    is its code. Run parameters that begin with `teacher.` are laid over the catalog's entry `teacher`.

    Raises:
        UserError: for an override of a language that does not exist, and for an override or a run parameter of a name
            that the shared parameters lack.
    """

    def __getitem__(self, key: str) -> dict[str, Any]:
        if key == "catalog":
            return self._with_teacher_of_the_run(super().__getitem__(key))
        if key != "parameters":
            config: dict[str, Any] = super().__getitem__(key)
            return config
        run_parameters = _without(self.runtime_params or {}, (*NAMESPACES, *ONLY_RUN_PARAMETERS, OVERRIDES))
        _refuse_unknown(run_parameters, _without(self._in_files(), [OVERRIDES]))
        return _with_languages(super().__getitem__(key))

    def _with_teacher_of_the_run(self, catalog: dict[str, Any]) -> dict[str, Any]:
        changes = (self.runtime_params or {}).get("teacher", {})
        _refuse_unknown(changes, catalog.get("teacher", {}), "teacher")
        return {**catalog, "teacher": {**catalog["teacher"], **changes}} if changes else catalog

    def _in_files(self) -> dict[str, Any]:
        """The parameters of the files alone."""
        files = copy(self)
        files.runtime_params = {}
        declared: dict[str, Any] = super(LanguageConfigLoader, files).__getitem__("parameters")
        return declared


def _with_languages(parameters: dict[str, Any]) -> dict[str, Any]:
    shared = _without(parameters, (*NAMESPACES, OVERRIDES))
    overrides: dict[str, Any] = parameters.get(OVERRIDES) or {}
    unknown = sorted(set(overrides) - set(NAMESPACES))
    if unknown:
        raise UserError(
            f"{OVERRIDES} names {unknown[0]!r}, which is no language; known: {', '.join(sorted(LANGUAGES))}"
        )
    by_language = {}
    for code in NAMESPACES:
        differences = {f"{OVERRIDES}.{code}": overrides.get(code), code: parameters.get(code)}
        values = shared
        for path, changes in differences.items():
            _refuse_unknown(changes or {}, shared, path)
            values = _merge(values, changes or {})
        by_language[code] = {**values, "language": code}
    return {**shared, **by_language}


def _without(parameters: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name not in names}


def _refuse_unknown(changes: Any, known: dict[str, Any], path: str = "") -> None:
    """Raises a UserError for a change of a parameter that does not exist: a typo would pass unseen."""
    if not isinstance(changes, dict):
        raise UserError(f"{path} has to name a parameter, such as {path}.seed=2")
    for name, value in changes.items():
        where = f"{path}.{name}" if path else name
        if name not in known:
            raise UserError(f"unknown parameter {where}; known{' there' if path else ''}: {', '.join(sorted(known))}")
        if isinstance(value, dict) and isinstance(known[name], dict):
            _refuse_unknown(value, known[name], where)


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = deepcopy(base)
    for name, value in changes.items():
        both_tables = isinstance(value, dict) and isinstance(base[name], dict)
        merged[name] = _merge(base[name], value) if both_tables else value
    return merged
