"""Talks to a model: `python -m okapi_kedro.chat --lang ne` in a terminal or a browser, `pipeline` in Python."""

from okapi_kedro.chat.assistant import Assistant, pipeline

__all__ = ["Assistant", "pipeline"]
