from dataclasses import dataclass, field

import pytest

from foundation.errors import SettingsError
from foundation.settings import from_values, load, save


@dataclass(frozen=True)
class Speed:
    limit_mm_s: float = 250.0


@dataclass(frozen=True)
class Example:
    name: str = "lab"
    address: str | None = None
    box: tuple[float, float, float] = (0.1, 0.2, 0.3)
    cameras: tuple[str, ...] = ()
    speed: Speed = field(default_factory=Speed)


def test_what_was_saved_is_loaded(tmp_path):
    settings = Example("real", "192.168.1.5", (1.0, 2.0, 3.0), ("a", "b"), Speed(100.0))
    save(tmp_path / "deep" / "settings.json", settings)
    assert load(tmp_path / "deep" / "settings.json", Example) == (settings, None)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["settings.json"]


def test_no_file_means_defaults_without_a_word(tmp_path):
    assert load(tmp_path / "settings.json", Example) == (Example(), None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"name": 3}',
        b'{"nmae": "typo"}',
        b'{"box": [1, 2]}',
        b'{"speed": {"limit_mm_s": "fast"}}',
        b'{"speed": {"limit_mm_s": NaN}}',
        b'{"cameras": "abc"}',
        b"[" * 10000,
    ],
)
def test_a_damaged_file_is_kept_aside_and_said_so(tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_bytes(content)
    settings, sentence = load(path, Example)
    assert settings == Example()
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == content
    assert sentence is not None and kept.name in sentence


def test_every_cut_of_a_good_file_is_survived(tmp_path):
    path = tmp_path / "settings.json"
    save(path, Example("real"))
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        settings, sentence = load(path, Example)
        assert settings == Example() and sentence is not None


def test_a_disk_that_refuses_gives_a_sentence_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "settings.json"
    save(path, Example("old"))
    (tmp_path / "settings.json.part").mkdir()
    with pytest.raises(SettingsError, match="could not be saved"):
        save(path, Example("new"))
    assert load(path, Example)[0].name == "old"


def test_errors_name_the_field():
    with pytest.raises(SettingsError, match="limit_mm_s"):
        from_values({"speed": {"limit_mm_s": "fast"}}, Example)
