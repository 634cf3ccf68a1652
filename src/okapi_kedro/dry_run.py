"""Says what a run would ask the teacher and what that would cost, and asks nothing."""

from typing import Any

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from okapi_kedro.teacher.counting import Count, CountingTeacher, NotAsked

ASKS = "teacher"
"""Tag of the nodes that ask the teacher."""
HEAVY = "gpu"
"""Tag of the nodes that train or sample; a dry run leaves them alone."""


def dry_run(pipeline: Pipeline, catalog: "CatalogProtocol[Any, Any]") -> str:
    """A table of the requests that a run would send, by stage and language.

    The nodes that ask the teacher are run as far as stored answers reach, with the light nodes that feed them, and
    nothing is saved. A node whose inputs are not there is named instead of counted.

    Args:
        pipeline: what the run would execute.
        catalog: where its inputs are.
    """
    teacher = CountingTeacher(catalog.load("teacher"))
    made: dict[str, Any] = {"teacher": teacher}
    lacking: dict[str, set[str]] = {}
    notes: list[str] = []
    asking = [node.name for node in pipeline.nodes if ASKS in node.tags]
    for node in pipeline.to_nodes(*asking).nodes if asking else []:
        missing = [name for name in node.inputs if name not in made and not catalog.exists(name)]
        lacks = set[str]().union(*(lacking.get(name, {name}) for name in missing))
        if missing and ASKS in node.tags:
            notes.append(f"Not counted: {node.name}, for which {', '.join(sorted(lacks))} is not there yet.")
        if missing or HEAVY in node.tags:
            lacking |= dict.fromkeys(node.outputs, lacks or set(node.outputs))
            continue
        try:
            made |= node.run({name: made[name] if name in made else catalog.load(name) for name in node.inputs})
        except NotAsked:
            lacking |= {name: {f"answers of {node.name}"} for name in node.outputs}
    lines = [*_table(list(teacher.counts.values())), *notes] or ["Nothing would be asked."]
    return "\n".join([*lines, *_money(teacher)])


def _table(counts: list[Count]) -> list[str]:
    if not counts:
        return []
    head = (
        "stage",
        "language",
        "requests",
        "stored",
        "to ask",
        "tokens to read",
        "to write",
        "at most",
        "USD",
        "at most",
    )
    rows = [
        (
            count.stage,
            count.language,
            f"{count.requests:,}",
            f"{count.stored:,}",
            f"{count.requests - count.stored:,}",
            f"{count.prompt_tokens:,}",
            "?" if count.completion_tokens is None else f"{count.completion_tokens:,}",
            f"{count.completion_tokens_at_most:,}",
            "?" if count.usd is None else f"{count.usd:,.2f}",
            "?" if count.usd_at_most is None else f"{count.usd_at_most:,.2f}",
        )
        for count in counts
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]


def _money(teacher: CountingTeacher) -> list[str]:
    """How far the money reaches, and what the question marks in the table mean."""
    counts, account = teacher.counts.values(), teacher.account
    lines = []
    if any(count.stored < count.requests for count in counts):
        lines.append("Malformed answers, which are asked again, and later turns of a dialogue come on top.")
    if any(count.completion_tokens is None for count in counts):
        lines.append(
            "?: too few answers are stored to tell how long they are; teacher.max_requests=100 buys the experience."
        )
    if account.price is None:
        lines.append("No price is known for the model (teacher.prices in the catalog).")
    if account.budget_usd is not None:
        lines.append(f"${account.store.spent_usd:,.2f} of the budget of ${account.budget_usd:,.2f} are spent.")
    return lines
