"""A registry of one OCI layout on the loopback: what skopeo asks for, and nothing else."""
import http.server
import json
import os
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/v2/":
            return self.answer(b"{}", "application/json")
        kind, name = self.path.split("/")[-2:]
        with open(f"{self.server.layout}/index.json") as file:
            manifest = json.load(file)["manifests"][0]
        is_manifest = kind == "manifests"
        digest = manifest["digest"] if is_manifest and name == "1" else name
        path = f"{self.server.layout}/blobs/{digest.replace(':', '/')}"
        if not os.path.isfile(path):
            return self.send_error(404)
        with open(path, "rb") as file:
            body = file.read()
        self.answer(body, manifest["mediaType"] if is_manifest else "application/octet-stream")

    do_HEAD = do_GET

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *words):
        pass


class Registry:
    """Serves any repository's tag 1 from the layout while it is entered."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind, error, trace):
        self.server.shutdown()
        self.server.server_close()
