"""Reading of a list of texts from a pickle without executing it: only the opcodes of such a list are accepted.

`pickle` itself would call whatever a file names. `pickletools.genops` only disassembles the stream.
"""

import pickletools
from pathlib import Path
from typing import Any

from storage.errors import DamagedFileError

_LARGEST = 1 << 20  # bytes
_TEXTS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"}
_IGNORED = {"PROTO", "FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP", "APPEND", "APPENDS", "MARK"}
_LISTS = {"EMPTY_LIST", "LIST"}
_AGAIN = {"BINGET": 1, "LONG_BINGET": 1, "GET": 1}


def read_texts(path: Path) -> list[str]:
    """Read the texts of a pickled list of texts, at least one. Raises DamagedFileError naming any other content."""
    try:
        data = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
    except OSError as error:
        raise DamagedFileError(f"The file {path} cannot be read: {error.strerror}.") from error
    texts: list[str] = []
    memo: dict[int, Any] = {}
    last: Any = None
    lists = 0
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in _TEXTS:
                last = str(argument)
                texts.append(last)
            elif opcode.name in _LISTS:
                lists, last = lists + 1, None
            elif opcode.name in _AGAIN:
                last = memo[int(argument or 0)]
                if last is not None:
                    texts.append(last)
            elif opcode.name not in _IGNORED:
                raise DamagedFileError(f"The file {path} holds more than texts ({opcode.name}): it is not read.")
            if opcode.name == "MEMOIZE":
                memo[len(memo)] = last
            elif opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
                memo[int(argument or 0)] = last
    except (ValueError, KeyError, IndexError, OverflowError) as error:  # the errors raised by pickletools
        raise DamagedFileError(f"The file {path} is damaged: {error}.") from error
    texts = [" ".join(text.split()) for text in texts if text.strip()]
    if lists != 1 or not texts:
        raise DamagedFileError(f"The file {path} holds no list of texts.")
    return texts
