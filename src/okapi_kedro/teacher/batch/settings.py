"""How files of requests are cut for a provider's Batch API, and how often it is asked about them."""

from dataclasses import dataclass

from okapi_kedro.errors import UserError


@dataclass(frozen=True)
class BatchSettings:
    """The limits of a Batch API.

    Args:
        requests: that one file may hold.
        bytes: that one file may have.
        files: of one job that are at the provider at once.
        poll_seconds: longest pause before the provider is asked again how far it is.

    Raises:
        UserError: for limits that nothing fits in.
    """

    requests: int = 50_000
    bytes: int = 200_000_000
    files: int = 8
    poll_seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("requests", "bytes", "files"):
            if getattr(self, name) < 1:
                raise UserError(f"teacher.batch_{name} has to be at least 1")
        if not self.poll_seconds > 0:
            raise UserError("teacher.batch_poll_seconds has to be more than 0")
