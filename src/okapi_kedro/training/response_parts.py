"""Responses that are kept on disk while they are drawn, so that a killed run goes on where it was."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from hashlib import file_digest, sha256
from itertools import islice
from pathlib import Path
from uuid import uuid4

import pandas as pd

from okapi_kedro.errors import UserError
from okapi_kedro.training.models import ModelReference
from okapi_kedro.training.sampling import Response, SamplingSettings, draw

PART = 256
"""Responses in one file: so many are drawn again at most after a kill."""
_WHOLE = ".part"
"""Ending of a file that is whole; not .parquet, which would make it one of the tables around it."""


def draw_in_parts(
    model: ModelReference,
    prompts: Sequence[str],
    names: Sequence[str],
    settings: SamplingSettings,
    seed: int,
    folder: Path,
) -> list[Response]:
    """One response to each prompt, in the order of the prompts; those that an earlier run has drawn are read.

    A folder in `folder` holds what one model drew with the same settings and seed; those of others are removed.

    Args:
        model: which model responds.
        prompts: complete prompts.
        names: tell the responses' draws apart, as in `draw`.
        settings: how responses are drawn.
        seed: of the draws.
        folder: where the parts are kept; they stay there, so that the next run need not draw them.
    """
    place = folder / _fingerprint(model, settings, seed)
    _remove_others(folder, place)
    keys = [_key(name, prompt) for name, prompt in zip(names, prompts, strict=True)]
    kept = _read(place)
    missing = [i for i, key in enumerate(keys) if key not in kept]
    drawn = draw(model, [prompts[i] for i in missing], settings, seed, "responses", [names[i] for i in missing])
    for part in _parts((keys[missing[i]], response) for i, response in drawn):
        _write(part, place)
        kept |= part
    return [kept[key] for key in keys]


def _parts(drawn: Iterator[tuple[str, Response]]) -> Iterator[dict[str, Response]]:
    while part := dict(islice(drawn, PART)):
        yield part


def _key(name: str, prompt: str) -> str:
    return sha256(f"{name}\n{prompt}".encode()).hexdigest()[:32]


def _fingerprint(model: ModelReference, settings: SamplingSettings, seed: int) -> str:
    """What decides the draws: the model's files, or its name on the hub, and the settings but for the batch size."""
    decisive = settings.model_dump_json(exclude={"batch_size"})
    return sha256(f"{_contents(Path(model.name)) or model.name}\n{decisive}\n{seed}".encode()).hexdigest()[:16]


def _contents(directory: Path) -> str:
    """Names and digests of a model's weights, shape and tokenizer; empty where there is no such directory."""
    if not directory.is_dir():
        return ""
    files = [path for path in sorted(directory.iterdir()) if path.suffix in (".safetensors", ".bin", ".json", ".model")]
    return "\n".join(f"{path.name} {_digest(path)}" for path in files)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _remove_others(folder: Path, kept: Path) -> None:
    others: Iterable[Path] = folder.iterdir() if folder.is_dir() else ()
    for other in [each for each in others if each != kept]:
        shutil.rmtree(other)


def _read(place: Path) -> dict[str, Response]:
    rows: dict[str, Response] = {}
    for path in sorted(place.glob(f"*{_WHOLE}")):
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read ({error}); remove it and its responses are drawn again") from error
        columns = (table[name].tolist() for name in ("key", "response", "finish_reason"))
        rows |= {key: Response(text, reason) for key, text, reason in zip(*columns, strict=True)}
    return rows


def _write(part: dict[str, Response], place: Path) -> None:
    """One Parquet file, which gets its name when it is whole; two runs at once that draw the same write the same."""
    place.mkdir(parents=True, exist_ok=True)
    rows = [(key, response.text, response.finish_reason) for key, response in part.items()]
    unfinished = place / f"{uuid4().hex}.unfinished"
    pd.DataFrame(rows, columns=["key", "response", "finish_reason"]).to_parquet(unfinished, index=False)
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.rename(place / f"{sha256(''.join(part).encode()).hexdigest()[:16]}{_WHOLE}")
