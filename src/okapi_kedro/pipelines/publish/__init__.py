from okapi_kedro.pipelines.publish import pipeline

__all__ = ["pipeline"]
