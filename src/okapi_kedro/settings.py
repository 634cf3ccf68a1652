"""Project settings that Kedro reads: our session, configuration loader and hooks."""

import warnings
from typing import Any

from kedro import KedroDeprecationWarning

from okapi_kedro.config import LanguageConfigLoader
from okapi_kedro.hooks import ProjectHooks
from okapi_kedro.session import LanguageSession

# Kedro 1.7 deprecates `--pipeline`, the spelling that this project promises to its users.
warnings.filterwarnings("ignore", message="Option '--pipeline' is deprecated", category=KedroDeprecationWarning)

# transformers 5 deprecates arguments that TRL 1.16 still takes.
warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")

# Kedro 1.7 itself calls what omegaconf deprecates.
warnings.filterwarnings("ignore", message="register_new_resolver", category=UserWarning)

SESSION_CLASS = LanguageSession
CONFIG_LOADER_CLASS = LanguageConfigLoader
CONFIG_LOADER_ARGS: dict[str, Any] = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft"},
}
HOOKS = (ProjectHooks(),)
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-telemetry",)
