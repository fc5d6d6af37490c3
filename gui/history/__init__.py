"""The History screen: past rehearsals, what was meant beside what was done."""
