"""Asks through a provider's Batch API: files of requests, answered within a day, for a part of the price."""
