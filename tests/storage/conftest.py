import pytest

from storage.library import Library


@pytest.fixture
def library(tmp_path):
    with Library(tmp_path / "library") as opened:
        yield opened
