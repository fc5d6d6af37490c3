"""Figures with goals, each beside a peer or a promise: `rehearse benchmark NAME`. Depends on everything but gui/."""
