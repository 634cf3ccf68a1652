"""Which model a name on the command line means: one that a run has made, a directory, or one of the hub."""

import re
from pathlib import Path

from kedro.io.catalog_config_resolver import CatalogConfigResolver
from kedro.utils import find_kedro_project

from okapi_kedro.config import LanguageConfigLoader
from okapi_kedro.datasets import ModelDirectoryDataset
from okapi_kedro.errors import UserError
from okapi_kedro.languages import NAMESPACES
from okapi_kedro.settings import CONFIG_LOADER_ARGS
from okapi_kedro.training.models import ModelReference

STAGES = ("base", "sft", "rlhf")
_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def model_named(name: str, language: str | None, environment: str | None) -> ModelReference:
    """The model that a name means.

    Args:
        name: `base`, `sft` or `rlhf` for the model of a language that a run has made; anything else is a directory or
            a hub id.
        language: code of the language, for the first three.
        environment: configuration environment whose catalog says where models are.

    Raises:
        UserError: when the model cannot be there.
    """
    if name in STAGES:
        return _made_by_a_run(name, language, environment)
    if not Path(name).is_dir() and not _HUB_ID.fullmatch(name):
        raise UserError(
            f"there is no model directory {name!r}, nor is that {', '.join(STAGES)} or a hub id (owner/name)"
        )
    return ModelReference(name)


def _made_by_a_run(stage: str, language: str | None, environment: str | None) -> ModelReference:
    if language is None:
        raise UserError(f"whose {stage} model? Name the language, such as --lang ne, or a directory: --model PATH")
    if language not in NAMESPACES:
        raise UserError(f"--lang {language} is no language; known: {', '.join(sorted(NAMESPACES))}")
    dataset = ModelDirectoryDataset(filepath=str(_place(f"{language}.{stage}_model", environment)))
    if not dataset.exists():
        environment_option = f" --env {environment}" if environment else ""
        pipeline = "rl" if stage == "rlhf" else "sft"
        raise UserError(
            f"{language}.{stage}_model does not exist yet; make it: "
            f"kedro run{environment_option} --pipeline={pipeline} --params lang={language}"
        )
    return dataset.load()


def _place(model: str, environment: str | None) -> Path:
    """Where the catalog of the project around this folder has a model."""
    project = find_kedro_project(Path.cwd())
    if project is None:
        raise UserError(f"no Kedro project in {Path.cwd()} or above it; go there, or name a directory: --model PATH")
    conf = Path(project) / "conf"
    if environment and not (conf / environment).is_dir():
        known = ", ".join(sorted(path.name for path in conf.iterdir() if path.is_dir()))
        raise UserError(f"there is no environment {environment!r}; known: {known}")
    catalog = LanguageConfigLoader(str(conf), env=environment, **CONFIG_LOADER_ARGS)["catalog"]
    models = {name: entry for name, entry in catalog.items() if name.endswith("_model")}
    entry = CatalogConfigResolver(models, default_runtime_patterns={}).resolve_pattern(model)
    return Path(project) / str(entry["filepath"])
