"""From a proposed trajectory to a plan: joints over time, checked, with findings for the operator."""
