"""What there is of a language's tables, written for others."""

from kedro.pipeline import Pipeline, node

from okapi_kedro.pipelines.publish.nodes import write_dataset, write_published_files

SHARED_INPUTS = {"spending"}


def create_pipeline() -> Pipeline:
    """The published form, and a dataset with its card; both read the tables that exist and ask for no others."""
    return Pipeline(
        [
            node(
                write_published_files,
                ["existing_tables", "prompt_template", "params:language"],
                "published_files",
                name="write_published_files",
            ),
            node(
                write_dataset,
                ["existing_tables", "spending", "params:publish", "params:language"],
                ["published_tables", "dataset_card"],
                name="write_dataset",
            ),
        ]
    )
