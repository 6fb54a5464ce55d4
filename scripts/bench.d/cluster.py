"""A `holdfast dev` of one's own: started in a temporary directory, ended without a trace."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DISK_MEGABYTES = 8192
RESOURCES = f"cpus:8;mem:8192;disk:{DISK_MEGABYTES};ports:[31000-32000]"


def free_ports(count):
    """Ports that were free a moment ago; all are held until the last is known."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def mounts_below(directory):
    """Mount points at or below a directory, the deepest first."""
    with open("/proc/self/mountinfo") as file:
        points = [line.split()[4] for line in file]
    return [p for p in reversed(points) if p == directory or p.startswith(directory + "/")]


def delete_tree(directory):
    """Deletes a work directory, but never through a mount that is still there."""
    for point in mounts_below(directory):
        print(f"bench: {point} was still mounted", file=sys.stderr)
        subprocess.run(["umount", point], check=False)
    if mounts_below(directory):
        print(f"bench: {directory} is left: something is mounted in it", file=sys.stderr)
    else:
        shutil.rmtree(directory, ignore_errors=True)


def processor_seconds(pid):
    """User and system time of a process so far."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Cluster:
    """Use it with `with`: the agent is registered inside, everything is gone after."""

    def __init__(self, options, *flags):
        self.directory = os.path.realpath(
            tempfile.mkdtemp(prefix="holdfast-bench-", dir=options.directory))
        self.port, self.agent_port = free_ports(2)
        self.command = [options.binary, "dev", f"--port={self.port}",
                        f"--agent-port={self.agent_port}", f"--work-dir={self.directory}/work",
                        f"--resources={RESOURCES}", "--logging-level=warning", *flags]

    def __enter__(self):
        self.log = open(f"{self.directory}/log", "wb")
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL)
        try:
            self.agent_id = self.wait_for_agent()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                print("bench: holdfast dev did not end within 20 s", file=sys.stderr)
                self.process.kill()
                self.process.wait()
        self.log.close()
        if kind is not None:
            with open(f"{self.directory}/log", errors="replace") as file:
                print("".join(file.readlines()[-20:]), file=sys.stderr)
        delete_tree(self.directory)

    def call(self, body):
        """One operator call to the master: status and parsed body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/api/v1", json.dumps(body),
                               {"Content-Type": "application/json",
                                "Accept": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] == b"{" else text
        finally:
            connection.close()

    def wait_for_agent(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"holdfast dev ended with {self.process.returncode}")
            try:
                status, body = self.call({"type": "GET_AGENTS"})
                # A master that has just started says so.
                for agent in [] if status != 200 else body["get_agents"].get("agents", []):
                    if agent.get("active"):
                        return agent["agent_info"]["id"]["value"]
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        raise RuntimeError("no agent registered within 30 s")

    def daemons(self):
        """Process ids of master, agent and scheduler by name."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            children = [int(pid) for pid in file.read().split()]
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/children") as file:
                children += [int(pid) for pid in file.read().split()]
        found = {}
        for pid in sorted(set(children)):
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            if len(words) > 1:
                found[words[1].decode()] = pid
        return found
