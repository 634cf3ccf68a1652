"""How a notebook reads the catalog, whichever stages have been run."""

from typing import Any

from kedro.io import CatalogProtocol

from okapi_kedro.session import how_to_make


def load_if_made(catalog: "CatalogProtocol[Any, Any]", env: str | None, dataset: str) -> Any:
    """A dataset of the chain; None, and one printed line that says how to make it, where no run has made it yet.

    Args:
        catalog: of the project, which `%load_ext kedro.ipython` defines.
        env: the catalog's configuration environment, `context.env`; None or `local` for the default one.
        dataset: its name, such as `ne.sft_log`.
    """
    if catalog.exists(dataset):
        return catalog.load(dataset)
    print(f"{dataset} does not exist yet; make it first: {how_to_make(dataset, env)}")
    return None
