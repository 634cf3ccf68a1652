import pytest


@pytest.fixture
def flawless(monkeypatch):
    """Switches the bad answers off."""
    for rate in ("GENERATION_RATE", "TRANSLATION_RATE", "RANKING_RATE"):
        monkeypatch.setattr(f"okapi_kedro.teacher.offline.faults.{rate}", 0.0)
