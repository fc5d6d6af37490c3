"""What no log and no diagnosis may hold: credentials, people's names, and what people have typed.

Credentials are known by their form (addresses with a password, `token=...`, keys of well-known services) and by the
environment; names and instructions by `keep_out`, called where they enter the program. Rather too much is taken out
than too little.
"""

import contextlib
import getpass
import os
import re
from functools import lru_cache
from pathlib import Path

_NAMES = r"(?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization)"
_ENVIRONMENT = re.compile(_NAMES, re.IGNORECASE)
_FORMS = (
    # Up to the last "@" of the line: passwords may hold "/", "@", and blanks where somebody typed them.
    (re.compile(r"://.*@"), "://(secret)@"),
    (
        re.compile(
            rf"((?:{_NAMES}|(?<![a-z])pwd)[\w-]{{0,40}}[\"']?\s*[=:]\s*|(?<=-){_NAMES}[\w-]{{0,40}}\s+)"
            r"(?:(?:bearer|basic)\s+)?(?:\"[^\"]*\"|'[^']*'|\S+)",
            re.IGNORECASE,
        ),
        r"\1(secret)",
    ),
    (re.compile(r"\b(bearer|basic)\s+[\w+/.=~-]{8,}", re.IGNORECASE), r"\1 (secret)"),
    (re.compile(r"\b(?:hf_|sk-|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|AKIA|eyJ)[\w.-]{8,}"), "(secret)"),
)
_SHORTEST = 2  # characters of a name
_SHORTEST_SECRET = 6  # characters of a value of the environment: a shorter one may be any word
_MOST = 500  # texts

_kept_out: dict[str, None] = {}  # the newest last
_secrets: set[str] = set()  # of the environment, also what is no longer in it


def keep_out(*texts: str) -> None:
    """Write the length alone of these names or instructions from now on, in this process."""
    for text in texts:
        words = " ".join(text.split())
        if len(words) >= _SHORTEST:
            _kept_out.pop(words, None)
            _kept_out[words] = None
    for oldest in list(_kept_out)[:-_MOST]:
        _kept_out.pop(oldest, None)


def redacted(text: str) -> str:
    """Take out credentials, what `keep_out` was told, and the names of this person's own folders."""
    with contextlib.suppress(KeyError):  # another thread takes something out of the environment just now
        _secrets.update(v for k, v in os.environ.items() if _ENVIRONMENT.search(k) and len(v) >= _SHORTEST_SECRET)
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "(secret)")
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    if _kept_out:
        text = _any_of(tuple(_kept_out)).sub(lambda found: f"({len(found.group())} characters)", text)
    home = str(Path.home())
    if len(home) > 1:
        text = re.sub(rf"(?<![\w/.-]){re.escape(home)}(?![\w.-])", "~", text)
    return re.sub(rf"(/(?:home|media|mnt)/){re.escape(_user())}(?![\w.-])", r"\1~", text)


@lru_cache(maxsize=4)
def _any_of(texts: tuple[str, ...]) -> re.Pattern[str]:
    """Match any of the texts, the longest first, in any case and with any blanks between the words."""
    longest_first = sorted(texts, key=len, reverse=True)
    patterns = (r"\s+".join(map(re.escape, text.split())) for text in longest_first)
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=1)
def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "nobody"
