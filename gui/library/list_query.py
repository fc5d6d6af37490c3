"""Query for the list of episodes: filter and sort order."""

from dataclasses import dataclass, field

from storage.queries import EpisodeFilter, Sort


@dataclass(frozen=True)
class ListQuery:
    """Filter and sort order; equal queries have equal results."""

    which: EpisodeFilter = field(default_factory=EpisodeFilter)
    sort: Sort = Sort.RECORDED
    descending: bool = True
