"""Weights on disk: importing and fetching published ones, manifests, checks, loading."""
