"""Replaying fitted routers on rows they have not seen: metrics, controls, intervals, reports."""
