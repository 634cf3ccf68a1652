from okapi_kedro.pipelines.generation import pipeline

__all__ = ["pipeline"]
