"""The notebooks, executed by a kernel as Jupyter would do it."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WITHOUT_IBIS = "import sys; sys.modules['ibis'] = None  # Kedro tries this import once for each of 4,000 parameters"


def read_notebooks() -> dict[str, NotebookNode]:
    return {path.stem: nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def execute(project: Path, env: str) -> NotebookNode:
    """All notebooks' cells from top to bottom, in one kernel: starting it takes longer than they do.

    That no notebook relies on another's names is what ruff checks.
    """
    notebooks = [nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(WITHOUT_IBIS)]), *read_notebooks().values()]
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    together = nbformat.v4.new_notebook(
        cells=[NotebookNode(cell, id=f"cell-{place}") for place, cell in enumerate(cells)]
    )
    folder = project / "notebooks"
    folder.mkdir(exist_ok=True)
    client = NotebookClient(together, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return client.execute(env={**os.environ, "KEDRO_ENV": env})


def printed(notebook: NotebookNode) -> str:
    """What the cells wrote to the standard output."""
    return "".join(output.text for output in _outputs(notebook) if output.get("name") == "stdout")


def shown(notebook: NotebookNode, kind: str) -> list[object]:
    """What the cells displayed in a MIME type."""
    return [output.data[kind] for output in _outputs(notebook) if kind in output.get("data", {})]


def _outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
