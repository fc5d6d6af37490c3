"""Seeds for training, tuning and reporting never mix."""

from itertools import pairwise

import pytest

from workflows.embedded.seeds import RANGES, SeedError, Use, require, seeds_for, use_of


def test_every_seed_has_one_use():
    for use, allowed in RANGES.items():
        assert use_of(allowed[0]) is use and use_of(allowed[-1]) is use
    ends = sorted((allowed.start, allowed.stop) for allowed in RANGES.values())
    assert all(before[1] <= after[0] for before, after in pairwise(ends))


@pytest.mark.parametrize("seed", [-1, 300_000, 10**9])
def test_other_seeds_have_none(seed):
    with pytest.raises(SeedError, match="from 0 to 299999"):
        use_of(seed)


def test_seeds_are_counted_within_their_range():
    assert seeds_for(Use.REPORTED, 10, 3) == range(200_010, 200_013)
    with pytest.raises(SeedError, match="too many"):
        seeds_for(Use.TRAINING, 99_990, 11)
    with pytest.raises(SeedError, match="too many"):
        seeds_for(Use.TUNING, -1, 2)


def test_one_wrong_seed_is_refused():
    require(Use.TRAINING, range(0, 100_000))
    require(Use.TRAINING, range(0))
    with pytest.raises(SeedError, match="100000 is for tuning, not for training"):
        require(Use.TRAINING, range(99_990, 100_001))
