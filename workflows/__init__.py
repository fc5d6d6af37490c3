"""Operator workflows, without Qt: every screen and every headless command calls the same functions of this package."""
