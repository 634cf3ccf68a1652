"""Gives every language its own copy of the parameters: the shared values plus its own differences."""

from copy import deepcopy
from typing import Any

from kedro.config import OmegaConfigLoader

from okapi_kedro.errors import UserError
from okapi_kedro.languages import LANGUAGES

OVERRIDES = "language_overrides"


class LanguageConfigLoader(OmegaConfigLoader):
    """Lays `params:<lang>.<name>` beside every shared `params:<name>`.

    A language's values are the shared ones, then its entry under `language_overrides` (`parameters_languages.yml`),
    then run parameters that name it (`--params ne.seed=2`), the later winning. `params:<lang>.language` is its code.

    Raises:
        UserError: for an override of a language that does not exist or of a parameter that the shared ones lack.
    """

    def __getitem__(self, key: str) -> dict[str, Any]:
        config: dict[str, Any] = super().__getitem__(key)
        return _with_languages(config) if key == "parameters" else config


def _with_languages(parameters: dict[str, Any]) -> dict[str, Any]:
    shared = {name: value for name, value in parameters.items() if name not in LANGUAGES and name != OVERRIDES}
    overrides: dict[str, Any] = parameters.get(OVERRIDES) or {}
    unknown = sorted(set(overrides) - set(LANGUAGES))
    if unknown:
        raise UserError(
            f"{OVERRIDES} names {unknown[0]!r}, which is no language; known: {', '.join(sorted(LANGUAGES))}"
        )
    by_language = {
        code: {
            **_merge(_merge(shared, overrides.get(code, {}), code), parameters.get(code, {}), code),
            "language": code,
        }
        for code in LANGUAGES
    }
    return {**shared, **by_language}


def _merge(base: dict[str, Any], changes: dict[str, Any], path: str) -> dict[str, Any]:
    merged = deepcopy(base)
    for name, value in changes.items():
        if name not in base:
            raise UserError(f"unknown parameter {path}.{name}; known there: {', '.join(sorted(base))}")
        both_tables = isinstance(value, dict) and isinstance(base[name], dict)
        merged[name] = _merge(base[name], value, f"{path}.{name}") if both_tables else value
    return merged
