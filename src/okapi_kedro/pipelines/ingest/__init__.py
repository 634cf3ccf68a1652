from okapi_kedro.pipelines.ingest import pipeline

__all__ = ["pipeline"]
