"""A service that is an image, on a persistent volume, by the CLI alone."""
import os
import shutil
import signal
import socket
import subprocess

from cluster import Cluster, Skipped, eventually, pids_of
from registry import Registry

FILE = """
name: counter
image: {}
resources: {{cpus: 0.2, mem: 64MiB}}
volumes: [{{name: data, path: /var/lib/counter, size: 32MiB}}]
health: {{command: test -s /var/lib/counter/starts, interval: 1s}}
kill_grace: 1s
"""
ENTRY = """#!/bin/sh
echo "$WORD" >> /var/lib/counter/starts
echo changed > /etc/motd
echo "in $(pwd), sandbox $MESOS_SANDBOX"
exec sleep 87004.5
"""


def make_image(directory):
    for tool in ("skopeo", "umoci", "busybox"):
        if not shutil.which(tool):
            raise Skipped(f"{tool} is not installed")
    files, image = f"{directory}/files", f"--image={directory}/layout:bb"
    for name in ("bin", "etc"):
        os.makedirs(f"{files}/{name}")
    shutil.copy(shutil.which("busybox"), f"{files}/bin/busybox")
    for name in ("sh", "sleep", "test"):
        os.symlink("busybox", f"{files}/bin/{name}")
    with open(f"{files}/entry", "w") as file:
        file.write(ENTRY)
    os.chmod(f"{files}/entry", 0o755)
    config = ["--config.entrypoint=/entry", "--config.env=WORD=started", "--config.workingdir=/w"]
    for words in (["init", f"--layout={directory}/layout"], ["new", image],
                  ["insert", image, files, "/"], ["config", image, *config]):
        subprocess.run(["umoci", *words], check=True, capture_output=True)
    return f"oci:{directory}/layout:bb"


def sleeper():
    found = [p for p in pids_of("87004.5") if os.readlink(f"/proc/{p}/exe").endswith("busybox")]
    return found[0] if found else None


def text(pid, path):
    with open(f"/proc/{pid}/root{path}") as file:
        return file.read()


def deploy(cluster, image):
    path = f"{cluster.directory}/counter.yaml"
    with open(path, "w") as file:
        file.write(FILE.format(image))
    cluster.cli("service", "deploy", path)


def test_data_survives(binary):
    with Cluster(binary) as cluster:
        image = make_image(cluster.directory)
        images = f"{cluster.directory}/work/agent/images"
        eventually("the service scheduler", lambda: cluster.json("frameworks"))
        deploy(cluster, image)
        first = eventually("its process", sleeper)
        assert text(first, "/var/lib/counter/starts") == "started\n"
        assert os.readlink(f"/proc/{first}/cwd") == "/w"
        output = cluster.cli("service", "logs", "counter")
        assert "in /w, sandbox /mnt/mesos/sandbox" in output, output

        os.kill(first, signal.SIGKILL)
        second = eventually("another process", lambda: sleeper() not in (None, first) and sleeper())
        eventually("the same data",
                   lambda: text(second, "/var/lib/counter/starts") == "started\n" * 2)
        eventually("only its own root", lambda: len(os.listdir(f"{images}/containers")) == 1)
        assert len(os.listdir(f"{images}/roots")) == 1
        root = f"{images}/roots/{os.listdir(f'{images}/roots')[0]}/root"
        assert not os.path.exists(f"{root}/etc/motd"), "a container has changed its image"

        cluster.kill("agent")
        cluster.wait_for_agent()
        eventually("a ready service", lambda: ready(cluster))
        assert sleeper() == second, "a restart of the agent touched the task"
        assert text(second, "/etc/motd") == "changed\n"
        assert "1 volume checked, 0 findings" in cluster.cli("fsck")

        cluster.cli("service", "remove", "counter", "--destroy-volumes")
        eventually("no process", lambda: sleeper() is None)
        eventually("no root", lambda: os.listdir(f"{images}/containers") == [])
        assert not [m for m in cluster.mounts() if m.startswith(images)], cluster.mounts()
        assert len(os.listdir(f"{images}/roots")) == 1


def test_from_a_registry(binary):
    with Registry() as registry, \
            Cluster(binary, options=[f"--docker-registry={registry.url}"]) as cluster:
        make_image(cluster.directory)
        registry.server.layout = f"{cluster.directory}/layout"
        eventually("the service scheduler", lambda: cluster.json("frameworks"))
        deploy(cluster, "some/counter:1")
        assert text(sleeper(), "/var/lib/counter/starts") == "started\n"


def test_what_is_missing_is_told(binary):
    with Cluster(binary) as cluster:
        eventually("the service scheduler", lambda: cluster.json("frameworks"))
        path = f"{cluster.directory}/missing.yaml"
        with open(path, "w") as file:
            file.write("name: missing\nimage: 127.0.0.1:1/no/such:image\n")
        deploying = subprocess.Popen(
            [binary, "service", "deploy", path, f"--master=127.0.0.1:{cluster.port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually("skopeo's words",
                       lambda: "connection refused" in (status(cluster).get("message") or ""))
            assert status(cluster)["message"].startswith("Failed to launch container: image "), \
                status(cluster)
        finally:
            deploying.kill()
            deploying.wait()
        cluster.cli("service", "remove", "missing")
        eventually("no service", lambda: cluster.json("service", "status") == [])


def test_a_kill_ends_the_wait(binary):
    """A registry that takes connections and never answers holds nobody."""
    with socket.create_server(("127.0.0.1", 0)) as silent, Cluster(binary) as cluster:
        eventually("the service scheduler", lambda: cluster.json("frameworks"))
        path = f"{cluster.directory}/waits.yaml"
        with open(path, "w") as file:
            file.write(f"name: waits\nimage: 127.0.0.1:{silent.getsockname()[1]}/a:b\n")
        deploying = subprocess.Popen(
            [binary, "service", "deploy", path, f"--master=127.0.0.1:{cluster.port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            staging = f"{cluster.directory}/work/agent/images/staging"
            eventually("a pull", lambda: os.listdir(staging))
            cluster.cli("service", "remove", "waits")
            eventually("no service", lambda: cluster.json("service", "status") == [])
            eventually("no pull", lambda: os.listdir(staging) == [])
        finally:
            deploying.kill()
            deploying.wait()


def status(cluster):
    return (cluster.json("service", "status") or [{}])[0]


def ready(cluster):
    try:
        return status(cluster).get("is_ready")
    except AssertionError:
        return False  # The scheduler has not subscribed yet.
