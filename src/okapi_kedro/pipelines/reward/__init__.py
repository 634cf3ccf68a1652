from okapi_kedro.pipelines.reward import pipeline

__all__ = ["pipeline"]
