"""Data sets of other programs: one reader or writer per layout, behind `layouts.interface`."""
