"""What the list of episodes is asked for: which, and in what order."""

from dataclasses import dataclass, field

from storage.queries import EpisodeFilter, Sort


@dataclass(frozen=True)
class ListQuery:
    """Which episodes, in which order; two equal questions have the same answer."""

    which: EpisodeFilter = field(default_factory=EpisodeFilter)
    sort: Sort = Sort.RECORDED
    descending: bool = True
