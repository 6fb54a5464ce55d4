"""pgbench against PostgreSQL on a volume, alone and beside a task that writes all it can."""
import glob
import os
import re
import shutil
import subprocess
import time

from cluster import Cluster, free_ports
from report import median

DATABASE = """
name: database
user: postgres
resources: {{cpus: 1, mem: 512MiB}}
volumes: [{{name: data, path: data, size: 640MiB}}]
env: {{LC_ALL: C.UTF-8}}
command: |
  set -e
  {bin}/initdb -D data/pg --auth=trust --username=postgres --encoding=UTF8 >/dev/null
  exec {bin}/postgres -D data/pg -p {port} -c listen_addresses=127.0.0.1 \\
    -c unix_socket_directories=/tmp -c shared_buffers=64MB
kill_grace: 1s
"""
WRITER = """
name: greedy
resources: {cpus: 1, mem: 128MiB}
volumes: [{name: data, path: data, size: 640MiB}]
command: |
  while :; do dd if=/dev/zero of=data/greedy bs=1M conv=fdatasync 2>/dev/null; done
kill_grace: 1s
"""
ROUNDS = 3


def measure(options, report):
    found = glob.glob("/usr/lib/postgresql/*/bin")
    if not found or not shutil.which("pgbench"):
        raise RuntimeError("postgresql is not installed: apt-get install postgresql-15")
    with Cluster(options, "--launcher=runc", "--volume-backend=loop") as cluster:
        os.chmod(cluster.directory, 0o755)  # The database's user must reach its sandbox.
        port = free_ports(1)[0]
        deploy(options, cluster, "database", DATABASE.format(bin=max(found), port=port))
        until_answering(port)
        pgbench(port, "-i", "-q", "-s", "5")
        alone, beside = [], []
        for _ in range(ROUNDS):
            alone.append(rate(port, options.seconds))
            deploy(options, cluster, "greedy", WRITER)
            beside.append(rate(port, options.seconds))
            command(options, cluster, "remove", "greedy", "--destroy-volumes")
    report.figure("pgbench on a volume, 4 clients, alone", median(alone), "1/s")
    report.figure("  beside a task that writes all it can", median(beside), "1/s")
    report.figure("  against alone, all runs together", sum(beside) / sum(alone), "x")


def command(options, cluster, *words):
    subprocess.run([options.binary, "service", *words, f"--master=127.0.0.1:{cluster.port}"],
                   check=True, capture_output=True, timeout=120)


def deploy(options, cluster, name, text):
    path = f"{cluster.directory}/{name}.yaml"
    with open(path, "w") as file:
        file.write(text)
    end = time.monotonic() + 60
    while True:
        try:
            return command(options, cluster, "deploy", path)
        except subprocess.CalledProcessError as error:
            # The scheduler may not have subscribed yet.
            if time.monotonic() > end:
                raise RuntimeError(f"service deploy: {error.stderr!r}") from error
            time.sleep(0.2)


def client(port, program, *words):
    return subprocess.run(
        [program, "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", *words, "postgres"],
        capture_output=True, text=True)


def until_answering(port):
    end = time.monotonic() + 120
    while client(port, "psql", "-qAtc", "select 1").returncode != 0:
        if time.monotonic() > end:
            raise RuntimeError("PostgreSQL does not answer")
        time.sleep(0.1)


def pgbench(port, *words):
    done = client(port, "pgbench", *words)
    if done.returncode != 0:
        raise RuntimeError(f"pgbench: {done.stderr}")
    return done.stdout


def rate(port, seconds):
    said = pgbench(port, "-c", "4", "-j", "2", "-T", str(max(1, round(seconds))))
    return float(re.search(r"tps = ([0-9.]+)", said)[1])
