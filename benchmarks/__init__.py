"""Benchmarks with goals, each beside a baseline or a specification: `rehearse benchmark NAME`.

Depends on all other folders, on gui/ in window/ only.
"""
