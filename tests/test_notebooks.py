"""The notebooks as they are committed, and before any stage has been run."""

from tests.executed_notebooks import execute, printed, read_notebooks, shown

PLOTLY = "application/vnd.plotly.v1+json"


def test_notebooks_are_committed_without_outputs():
    notebooks = read_notebooks()
    assert set(notebooks) == {"data_quality", "training", "results"}
    for name, notebook in notebooks.items():
        for cell in notebook.cells:
            if cell.cell_type == "code":
                assert not cell.outputs and cell.execution_count is None, name


def test_what_has_not_been_run_is_told_in_a_line_with_the_command_that_makes_it(untouched_project):
    executed = execute(untouched_project, "test")
    lines = printed(executed).splitlines()
    make = "kedro run --env test --pipeline"
    assert f"ne.sft_log does not exist yet; make it first: {make}=sft --params lang=ne" in lines
    assert f"instructions does not exist yet; make it first: {make}=generation" in lines
    assert f"ne.comparison does not exist yet; make it first: {make}=evaluation --params lang=ne" in lines
    assert not shown(executed, PLOTLY)
