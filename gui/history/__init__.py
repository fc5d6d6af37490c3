"""History screen: past rehearsals, with plan and execution compared."""
