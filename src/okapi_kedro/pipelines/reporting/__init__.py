from okapi_kedro.pipelines.reporting import pipeline

__all__ = ["pipeline"]
