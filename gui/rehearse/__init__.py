"""Rehearse screen: ask, watch, change, approve, run, judge."""
