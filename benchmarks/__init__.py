"""Benchmarks with goals, each beside a baseline or a specification: `rehearse benchmark NAME`. Imports all but gui/."""
