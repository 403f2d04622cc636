"""A small Hugging Face Hub on 127.0.0.1: as much of its protocol as `huggingface_hub` speaks when it makes a repository and uploads into it.

    with Hub() as hub:                       # hub.address, hub.token
        ...                                  # a client with HF_ENDPOINT=hub.address, HF_TOKEN=hub.token
        hub.repositories["ada/agent"].files  # path -> bytes

Files go in as on the real one: small ones inside the commit, weights and videos by git's LFS protocol beforehand, and nothing is in the repository
before the commit that names all of it. Trouble is ordered by `hub.trouble[step] = what`, for the steps "create", "info", "validate", "preupload", "batch",
"put", "verify", "commit", and these kinds of it: a status such as 500; "hang up" (in the middle of the request), "silence", "portal" (a page instead of an answer).
"""

import base64
import hashlib
import json
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

ROUTES = {
    ("POST", r"/api/repos/create"): "create",
    ("GET", r"/api/models/([^/]+/[^/]+)(?:/revision/main)?"): "info",
    ("POST", r"/api/validate-yaml"): "validate",
    ("POST", r"/api/models/([^/]+/[^/]+)/preupload/main"): "preupload",
    ("POST", r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch"): "batch",
    ("PUT", r"/lfs/([0-9a-f]{64})"): "put",
    ("POST", r"/lfs/verify"): "verify",
    ("POST", r"/api/models/([^/]+/[^/]+)/commit/main"): "commit",
}
LFS = (".safetensors", ".mp4")


@dataclass
class Repository:
    """What has been committed, and who may read it."""

    private: bool = False
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b"*.safetensors filter=lfs\n"})
    commits: int = 0


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hung up, or was hung up on, is no news here."""


class Hub:
    """The server, in threads of its own. use_lfs: let large files go by LFS, as the real one does; else everything goes inside the commit."""

    def __init__(self, use_lfs: bool = True):
        self.token, self.use_lfs = "hf_of_a_test", use_lfs
        self.repositories: dict[str, Repository] = {}
        self.stored: dict[str, bytes] = {}  # LFS objects by their sha256
        self.trouble: dict[str, int | str] = {}
        self.asked: list[str] = []  # the steps, in the order in which they were asked for
        self.closing = threading.Event()

    def __enter__(self):
        handler = type("HandlerOfThisHub", (Handler,), {"hub": self})
        self.server = Server(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    # Each step: (what the route's pattern found, the request's body) -> (status, answer)

    def create(self, _, body: bytes):
        told = json.loads(body)
        name = f"{told['organization']}/{told['name']}"
        answer = {"url": f"{self.address}/{name}", "name": name}
        if name in self.repositories:
            return 409, answer | {"error": "You already created this model repo"}
        self.repositories[name] = Repository(private=told.get("visibility") == "private" or told.get("private") is True)
        return 200, answer

    def info(self, found, _):
        repository = self.repositories.get(found[1])
        if repository is None:
            return 404, {"error": "Repository not found"}
        return 200, {"id": found[1], "private": repository.private, "sha": "0" * 40, "siblings": [{"rfilename": name} for name in repository.files]}

    def validate(self, _, body: bytes):
        told = json.loads(body)
        try:
            metadata = yaml.safe_load(told["content"].split("---\n")[1])
            assert metadata["model-index"][0]["results"][0]["metrics"][0]["value"], "no metric"
        except (yaml.YAMLError, IndexError, KeyError, TypeError, AssertionError) as error:
            return 400, {"errors": [{"message": f"bad metadata: {error!r}"}], "warnings": []}
        return 200, {"errors": [], "warnings": []}

    def preupload(self, found, body: bytes):
        files = json.loads(body)["files"]
        modes = {file["path"]: "lfs" if self.use_lfs and file["path"].endswith(LFS) else "regular" for file in files}
        return 200, {"files": [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes.items()]}

    def batch(self, found, body: bytes):
        objects = json.loads(body)["objects"]
        for one in objects:
            if one["oid"] not in self.stored:
                one["actions"] = {"upload": {"href": f"{self.address}/lfs/{one['oid']}"}, "verify": {"href": f"{self.address}/lfs/verify"}}
        return 200, {"transfer": "basic", "objects": objects}

    def put(self, found, body: bytes):
        if hashlib.sha256(body).hexdigest() != found[1]:
            return 400, {"error": "these are other bytes than were announced"}
        self.stored[found[1]] = body
        return 200, {}

    def verify(self, _, body: bytes):
        told = json.loads(body)
        whole = len(self.stored.get(told["oid"], b"")) == told["size"]
        return (200, {}) if whole else (404, {"error": "not here"})

    def commit(self, found, body: bytes):
        files = {}
        for line in map(json.loads, body.decode().splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.stored:
                    return 400, {"error": f"{value['path']} was not uploaded"}
                files[value["path"]] = self.stored[value["oid"]]
        repository = self.repositories[found[1]]
        repository.files |= files
        repository.commits += 1
        oid = f"{repository.commits:040x}"
        return 200, {"success": True, "commitOid": oid, "commitUrl": f"{self.address}/{found[1]}/commit/{oid}", "hookOutput": ""}


class Handler(BaseHTTPRequestHandler):
    """Finds the step that a request asks for, makes trouble, or answers with what the hub says."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def answer(self):
        path = self.path.partition("?")[0]
        for (method, pattern), step in ROUTES.items():
            found = re.fullmatch(pattern, path)
            if found and method == self.command:
                break
        else:
            self.body()
            return self.say(404, {"error": f"There is no {self.command} {path}"})
        self.hub.asked.append(step)
        trouble = self.hub.trouble.get(step)
        if trouble == "hang up":
            self.rfile.read(min(int(self.headers.get("Content-Length", 0)) // 2, 1000))
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no polite end
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        body = self.body()
        if trouble == "silence":
            self.hub.closing.wait(30)
            self.close_connection = True
        elif trouble == "portal":
            self.say(200, "<html>Welcome to our coffee shop. Please accept our terms.</html>")
        elif trouble:
            self.say(trouble, {"error": f"trouble {trouble}"})
        elif step != "put" and self.headers.get("Authorization") != f"Bearer {self.hub.token}":  # an LFS address is signed, and asks for no token
            self.say(401, {"error": "Invalid username or password."})
        else:
            self.say(*getattr(self.hub, step)(found, body))

    do_GET = do_POST = do_PUT = answer

    def body(self) -> bytes:
        """The request's body, counted or in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def say(self, status: int, answer) -> None:
        page = isinstance(answer, str)
        content = (answer if page else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if page else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass
