"""Seed ranges by use, defined only here, so that nothing is tuned or trained on what is reported."""

from enum import StrEnum

from foundation.errors import KnownError


class SeedError(KnownError):
    """The seed is not for this use."""


class Use(StrEnum):
    """Purpose of a clip."""

    TRAINING = "training"
    TUNING = "tuning"
    REPORTED = "reported"


RANGES = {
    Use.TRAINING: range(0, 100_000),
    Use.TUNING: range(100_000, 200_000),
    Use.REPORTED: range(200_000, 300_000),
}


def use_of(seed: int) -> Use:
    """Return what clips of this seed may be used for. Raises SeedError for a seed that has no use."""
    for use, allowed in RANGES.items():
        if seed in allowed:
            return use
    raise SeedError(f"Clips have seeds from 0 to {RANGES[Use.REPORTED].stop - 1}, not {seed}. Choose another seed.")


def seeds_for(use: Use, first: int, count: int) -> range:
    """Return `count` seeds from `first` on, relative to the range of `use`. Raises SeedError beyond the range."""
    allowed = RANGES[use]
    if first < 0 or count < 0 or first + count > len(allowed):
        raise SeedError(f"There are {len(allowed)} seeds for {use}; {count} from number {first} on are too many.")
    return allowed[first : first + count]


def require(use: Use, seeds: range) -> None:
    """Raise SeedError when any of the seeds is not for `use`."""
    wrong = [seed for seed in (seeds[:1], seeds[-1:]) for seed in seed if use_of(seed) is not use]
    if wrong:
        raise SeedError(f"Seed {wrong[0]} is for {use_of(wrong[0])}, not for {use}. Choose seeds of {RANGES[use]}.")
