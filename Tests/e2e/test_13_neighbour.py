"""PostgreSQL beside a task that writes as fast as it can on the same disk."""
import glob
import os
import re
import shutil
import subprocess

from client import Framework, operation, scalar
from cluster import Cluster, Skipped, eventually, free_ports

ROLE = "disk"
DATABASE, GREEDY = 320, 64
POSTGRES = """
set -e
"$BIN/initdb" -D data/pg --auth=trust --username=postgres --encoding=UTF8 >/dev/null
exec "$BIN/postgres" -D data/pg -p "$SQL" -c listen_addresses=127.0.0.1 \
  -c unix_socket_directories=/tmp -c shared_buffers=16MB -c max_wal_size=64MB -c min_wal_size=32MB
"""
# Fills its volume to the last byte again and again, and notes each time that it could not go on.
WRITER = """
export LC_ALL=C
while :; do
  dd if=/dev/zero of=data/greedy bs=1M conv=fdatasync 2>&1 | grep -oE 'No space left|quota exceeded'
done
"""


class Database:
    def __init__(self, framework):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"), default="")
        if not shutil.which("pgbench") or not self.bin:
            raise Skipped("postgresql is not installed")
        self.port = free_ports(1)[0]
        variables = [{"name": name, "value": value} for name, value in (
            ("BIN", self.bin), ("SQL", str(self.port)), ("LC_ALL", "C.UTF-8"))]
        self.task = launch(framework, "db", DATABASE, POSTGRES, 384, {
            "user": "postgres", "environment": {"variables": variables}})
        framework.state(self.task, "TASK_RUNNING")
        eventually("PostgreSQL", lambda: self.run("psql", "-qAtc", "select 1").returncode == 0, 120)

    def run(self, *words):
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        return subprocess.run([words[0], *where, *words[1:], "postgres"], capture_output=True,
                              text=True, timeout=300)

    def bench(self, *words):
        done = self.run("pgbench", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout


def launch(framework, name, size, command, memory, more=None):
    volume = scalar("disk", size, ROLE, volume=name)
    offer = framework.offer(lambda o: any(
        r["name"] == "disk" and not r.get("reservations") for r in o["resources"]))
    task = framework.task(
        offer, [scalar("cpus", 0.5), scalar("mem", memory), volume], command)
    task["command"].update(more or {})
    framework.accept(
        offer, operation("RESERVE", resources=[scalar("disk", size, ROLE)]),
        operation("CREATE", volumes=[volume]), operation("LAUNCH", task_infos=[task]))
    return task


def output(cluster, task):
    """What a task has written to stdout so far."""
    name = task["task_id"]["value"]
    found = glob.glob(f"{cluster.directory}/work/agent/slaves/*/frameworks/*/executors/{name}"
                      "/runs/latest/stdout")
    with open(found[0]) as file:
        return file.read()


def mount_of(cluster, name):
    return next(m for m in cluster.mounts() if m.endswith(f"/roles/{ROLE}/{name}"))


def test_a_greedy_writer_is_not_the_databases_concern(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        database = Database(framework)
        database.bench("-i", "-q", "-s", "2")
        place = mount_of(cluster, "db")
        before = os.statvfs(place)
        writer = launch(framework, "greedy", GREEDY, WRITER, 128)

        def refusals():
            return re.findall("No space left|quota exceeded", output(cluster, writer))
        first = len(eventually("the writer's first refusal", refusals))
        said = database.bench("-c", "2", "-t", "250", "--no-vacuum")
        assert "number of transactions actually processed: 500/500" in said, said
        assert "number of failed transactions: 0 " in said, said
        # It wrote all the while, and writes on.
        eventually("another refusal", lambda: len(refusals()) > first)
        assert database.run("psql", "-qAtc", "select count(*) from pgbench_history") \
            .stdout.strip() == "500"

        # The database's volume has what it had, but for what the database has written itself.
        after, own = os.statvfs(place), 0
        for folder, _, names in os.walk(place):
            own += sum(os.lstat(f"{folder}/{n}").st_blocks * 512 for n in names)
        assert after.f_blocks == before.f_blocks
        used = (after.f_blocks - after.f_bfree) * after.f_frsize
        assert used <= own + (48 << 20), (used, own)  # What is left is the file system's own.
        size = os.stat(f"{mount_of(cluster, 'greedy')}/greedy").st_size
        assert 0 <= size <= GREEDY << 20, size
        volumes = {v["id"]: v for v in cluster.json("volumes")}
        assert all(v["enforcement"] == "kernel" for v in volumes.values()), volumes
        assert not [e for e in framework.events if e["type"] == "UPDATE"
                    and e["update"]["status"]["state"] not in ("TASK_STARTING", "TASK_RUNNING")]
        for task in (writer, database.task):
            framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
            framework.state(task, "TASK_KILLED")
