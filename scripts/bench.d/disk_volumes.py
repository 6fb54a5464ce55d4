"""Volumes for measurements of the disk: made by operator calls, and known to be ready."""
import contextlib
import os
import subprocess
import tempfile
import time
from types import SimpleNamespace

ROLE = "bench"


@contextlib.contextmanager
def place(options, backend):
    """The options with a directory on which the backend works: for btrfs an image of its own."""
    if backend != "btrfs":
        yield options
        return
    # Another agent on the machine may have a copy of the mount, and by that hold its place.
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=options.directory,
                                     ignore_cleanup_errors=True) as top:
        image, point = f"{top}/image", f"{top}/mounted"
        os.mkdir(point)
        with open(image, "wb") as file:
            file.truncate(16 << 30)
        subprocess.run(["mkfs.btrfs", "-q", "-f", image], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", image, point], check=True)
        try:
            yield SimpleNamespace(**{**vars(options), "directory": point})
        finally:
            subprocess.run(["umount", point], check=True)


def resource(number, megabytes, is_volume=True):
    found = {"name": "disk", "type": "SCALAR", "scalar": {"value": megabytes}, "reservations": [
        {"type": "DYNAMIC", "role": ROLE}]}
    if is_volume:
        found["disk"] = {"persistence": {"id": f"v{number}"},
                         "volume": {"container_path": "data", "mode": "RW"}}
    return found


def call(cluster, kind, field, resources):
    status, body = cluster.call({"type": kind, kind.lower(): {
        "agent_id": {"value": cluster.agent_id}, field: resources}})
    if status != 202:
        raise RuntimeError(f"{kind}: {status} {body!r:.500}")


def without_volume(resources):
    return [{key: value for key, value in one.items() if key != "disk"} for one in resources]


def paths(cluster, volumes):
    roles = f"{cluster.directory}/work/agent/volumes/roles/{ROLE}"
    return [f"{roles}/{one['disk']['persistence']['id']}" for one in volumes]


def made(cluster, volumes):
    """Reserves and creates; returns the volumes' directories once each can be written to."""
    call(cluster, "RESERVE_RESOURCES", "resources", without_volume(volumes))
    call(cluster, "CREATE_VOLUMES", "volumes", volumes)
    until(lambda: len(ready(cluster)) >= len(volumes))
    return paths(cluster, volumes)


def ready(cluster):
    """The volumes that the agent has prepared: their use is known."""
    status, body = cluster.call({"type": "LIST_VOLUMES"})
    if status != 200:
        raise RuntimeError(f"LIST_VOLUMES: {status} {body!r:.500}")
    return [v for v in body.get("list_volumes", {}).get("volumes", []) if "backend" in v]


def until(condition):
    end = time.monotonic() + 300
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("the volumes do not come to an end")
        time.sleep(0.02)
