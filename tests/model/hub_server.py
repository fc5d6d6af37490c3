"""Local hub server: what huggingface_hub requests, from a folder, with connections that can be cut."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer:
    """Server of the repositories OWNER/NAME below `folder`; a context manager.

    `cuts`: how many downloads still break off half way; `requests`: (method, path, Range header) of every request.
    """

    def __init__(self, folder: Path, cuts: int = 0):
        self.folder, self.cuts = folder, cuts
        self.requests: list[tuple[str, str, str | None]] = []
        self.lie_about: str | None = None  # a file whose published checksum is wrong
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.answer(self)

            do_HEAD = do_GET  # noqa: N815

            def end_headers(self):
                self.send_header("Connection", "close")  # or the client's next request meets a closing connection
                super().end_headers()

            def log_message(self, *arguments):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = False
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        path = unquote(urlsplit(request.path).path)
        self.requests.append((request.command, path, request.headers.get("Range")))
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"] and (self.folder / "/".join(parts[2:4])).is_dir():
            repository = self.folder / "/".join(parts[2:4])
            files = [self._entry(repository, file) for file in sorted(repository.rglob("*")) if file.is_file()]
            if "tree" in parts:
                self._json(request, [{"type": "file", **entry} for entry in files])
            else:
                siblings = [{"rfilename": e["path"], "size": e["size"], "lfs": e["lfs"]} for e in files]
                self._json(request, {"id": "/".join(parts[2:4]), "sha": COMMIT, "siblings": siblings})
        elif "resolve" in parts and (file := self.folder.joinpath(*parts[:2], *parts[4:])).is_file():
            self._file(request, file, self.folder.joinpath(*parts[:2]))
        else:
            request.send_response(404)
            request.send_header("X-Error-Code", "RepoNotFound")
            request.send_header("Content-Length", "0")
            request.end_headers()

    def _entry(self, repository: Path, file: Path) -> dict:
        name, data = file.relative_to(repository).as_posix(), file.read_bytes()
        digest = "0" * 64 if name == self.lie_about else hashlib.sha256(data).hexdigest()
        lfs = {"oid": digest, "sha256": digest, "size": len(data), "pointerSize": 130}
        return {"path": name, "size": len(data), "oid": "0" * 40, "lfs": lfs}

    def _json(self, request: BaseHTTPRequestHandler, value: object) -> None:
        body = json.dumps(value).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)

    def _file(self, request: BaseHTTPRequestHandler, file: Path, repository: Path) -> None:
        data = file.read_bytes()
        start = int((request.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        request.send_response(206 if start else 200)
        request.send_header("ETag", f'"{self._entry(repository, file)["lfs"]["sha256"]}"')
        request.send_header("X-Repo-Commit", COMMIT)
        request.send_header("Accept-Ranges", "bytes")
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.send_header("Content-Length", str(len(data) - start))
        request.end_headers()
        if request.command == "HEAD":
            return
        if self.cuts and len(data) > 50_000:
            self.cuts -= 1
            request.wfile.write(data[start : (start + len(data)) // 2])
            request.wfile.flush()
            request.connection.close()
        else:
            request.wfile.write(data[start:])

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def __enter__(self) -> "HubServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
