from okapi_kedro.pipelines.ranking import pipeline

__all__ = ["pipeline"]
