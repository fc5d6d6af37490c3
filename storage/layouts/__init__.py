"""Other programs' data sets: one reader or writer per layout, behind `layouts.interface`."""
