"""The counted promises about crashes, damaged data and wrong presses, in full; the tests run a sample of each."""

from benchmarks import import_mutations, library_kills, presses
from benchmarks.checks import Check


def measure(quick: bool) -> list[Check]:
    return [
        *library_kills.checks(10 if quick else 100, 5 if quick else 50),
        *import_mutations.checks(1_000 if quick else 10_000),
        *presses.checks(100 if quick else 1_000),
    ]
