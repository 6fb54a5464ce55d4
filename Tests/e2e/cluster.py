"""A real `holdfast dev` in a directory of its own, on ports of its own."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from client import Operator

RESOURCES = "cpus:8;mem:8192;disk:2048;ports:[31000-32000]"


class Skipped(Exception):
    """What a test needs is not on this machine."""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def eventually(what, condition, seconds=30):
    """The first true value of `condition()`; fails when there is none in time."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except (OSError, KeyError, IndexError) as error:
            last = error
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds} s{f' ({last})' if last else ''}")


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def processes(where):
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and where(command_line(pid))]


def pids_of(marker):
    """The processes that have `marker` as one of their arguments."""
    return processes(lambda words: marker in words)


class Cluster:
    """`disks`: MiB of a file system of its own for the work directories of some daemons."""

    def __init__(self, binary, backend="auto", resources=RESOURCES, options=(), disks=None):
        self.binary, self.disks = binary, disks or {}
        self.directory = tempfile.mkdtemp(prefix="holdfast-e2e.", dir="/tmp")
        self.port, self.agent_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.operator = Operator(self.url)
        self.command = [
            binary, "dev", f"--port={self.port}", f"--agent-port={self.agent_port}",
            f"--work-dir={self.directory}/work", f"--resources={resources}",
            f"--volume-backend={backend}", *options]

    def __enter__(self):
        for role, mebibytes in self.disks.items():
            self.mount_disk(role, mebibytes)
        self.log = open(f"{self.directory}/log", "wb")
        self.process = subprocess.Popen(
            self.command, stdout=self.log, stderr=self.log, start_new_session=True)
        try:
            self.agent_id = self.wait_for_agent()
        except BaseException:
            self.stop()
            raise
        return self

    def mount_disk(self, role, mebibytes):
        image, place = f"{self.directory}/{role}.img", f"{self.directory}/work/{role}"
        os.makedirs(place)
        with open(image, "wb") as file:
            file.truncate(mebibytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, place], check=True)

    def __exit__(self, kind, error, trace):
        if error is not None:
            with open(f"{self.directory}/log", errors="replace") as file:
                print("    the log's end:\n    " + "    ".join(file.readlines()[-15:]))
        left = self.stop()
        assert error is not None or not left, f"left behind: {left}"

    def wait_for_agent(self):
        def active():
            answer = self.operator.post("GET_AGENTS")
            if answer.status_code == 503:  # It is starting.
                return None
            assert answer.status_code == 200, answer.text
            agents = answer.json()["get_agents"].get("agents", [])
            found = [a for a in agents if a.get("active")]
            return found and found[0]["agent_info"]["id"]["value"]
        return eventually("an active agent", active)

    def pid(self, role):
        """The process of the master, the agent or the scheduler."""
        found = processes(lambda words: words[1:2] == [role] and words[0] == self.binary)
        return next((p for p in found if parent(p) == self.process.pid), None)

    def kill(self, role):
        """Ends a daemon with SIGKILL and waits until `dev` has started another one."""
        old = self.pid(role)
        os.kill(old, signal.SIGKILL)
        return eventually(f"another {role}", lambda: self.pid(role) not in (None, old))

    def cli(self, *words, check=True, timeout=120):
        """Runs a command of the CLI; its standard output."""
        done = subprocess.run(
            [self.binary, *words, f"--master=127.0.0.1:{self.port}"], capture_output=True,
            text=True, timeout=timeout)
        assert not check or done.returncode == 0, f"{words}: {done.stderr or done.stdout}"
        return done.stdout

    def json(self, *words):
        return json.loads(self.cli(*words, "--json"))

    def stop(self):
        """SIGTERM; what is left behind of mounts, loop devices and processes, which it removes."""
        left = []
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            left.append("dev did not end within 15 s of SIGTERM")
            self.process.kill()
            self.process.wait()
        inside = self.directory + "/"
        for pid in processes(lambda words: any(inside in word for word in words)):
            left.append(f"process {pid}: {' '.join(command_line(pid))[:200]}")
            os.kill(pid, signal.SIGKILL)
        for role in self.disks:
            subprocess.run(["umount", f"{self.directory}/work/{role}"], check=False)
        for mount in self.mounts():
            left.append(f"mount {mount}")
            subprocess.run(["umount", "-l", mount], check=False)
        for device in self.loop_devices():
            left.append(f"loop device {device}")
            subprocess.run(["losetup", "-d", device], check=False)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        return left

    def mounts(self):
        with open("/proc/self/mountinfo") as file:
            points = [line.split()[4] for line in file]
        return [p for p in reversed(points) if p.startswith(self.directory + "/")]

    def loop_devices(self):
        listed = subprocess.run(
            ["losetup", "--list", "--noheadings", "--output=NAME,BACK-FILE"],
            capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 1) for line in listed.splitlines()]
        return [row[0] for row in rows if len(row) > 1 and row[1].startswith(self.directory + "/")]
