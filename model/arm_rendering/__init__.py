"""The arm in the pictures: drawn from its pose, its shadow, what it carries, and a motion refined by it."""
