"""Pages reached by key are those that paging from the beginning reaches."""

from dataclasses import replace

import pytest
from library_checks import check_screen

from benchmarks.library.scale import fill
from storage import queries
from storage.episodes.edits import delete_episodes
from storage.page_keys import page_keys
from storage.queries import EpisodeFilter, Sort

ROWS = 3


@pytest.mark.parametrize("which", [EpisodeFilter(), EpisodeFilter(text="red"), EpisodeFilter(operator="Ada")])
def test_every_page_can_be_jumped_to(library, which):
    fill(library.database, 40)
    for sort in Sort:
        for descending in (True, False):
            walked, after = [], None
            while True:
                page = queries.page(library.database, which, sort=sort, descending=descending, after=after, limit=ROWS)
                walked.append(page.rows)
                after = page.next
                if after is None:
                    break
            found = page_keys(library.database, which, sort=sort, descending=descending, rows=ROWS)
            assert found.count == sum(len(rows) for rows in walked) > ROWS, which
            for at in range(1, len(walked)):
                key = found.keys[at - 1]
                jumped = queries.page(library.database, which, sort=sort, descending=descending, after=key, limit=ROWS)
                assert jumped.rows == walked[at], (sort, descending, at)


def test_what_was_deleted_is_not_counted(library):
    fill(library.database, 20)
    delete_episodes(library, queries.episode_ids(library.database)[:6])
    assert page_keys(library.database, rows=ROWS).count == 14
    assert page_keys(library.database, replace(EpisodeFilter(), deleted=True), rows=ROWS).count == 6


def test_places_and_calibrations(library):
    check_screen(library)
