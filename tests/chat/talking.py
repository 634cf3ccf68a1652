"""A conversation with a stand-in for an assistant, to be run in a terminal."""

import time
from collections.abc import Iterator

from okapi_kedro.chat.terminal import converse


class Parrot:
    """Repeats an instruction word by word; `count` counts slowly and for ever."""

    def stream(self, instruction: str) -> Iterator[str]:
        if instruction == "count":
            for number in range(10_000):
                yield f"{number} "
                time.sleep(0.05)
        yield f"<{instruction}>"


if __name__ == "__main__":
    converse({"parrot": Parrot()})  # type: ignore[dict-item]
