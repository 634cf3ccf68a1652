from okapi_kedro.pipelines.translation import pipeline

__all__ = ["pipeline"]
