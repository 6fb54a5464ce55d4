"""Operator operations a second, each call answered only when it is stored."""
import json
import os
import selectors
import socket
import time

import yardsticks
from cluster import Cluster, processor_seconds

ROLE = "bench"


def measure(options, report):
    yardsticks.fsync_rate(options, report)
    with Cluster(options, "--volume-backend=directory", "--launcher=plain") as cluster:
        for clients, target in ((1, 200), (16, 1000)):
            load = Load(cluster, clients, whole_cycle, megabytes=1)
            before, start = spent(cluster), time.perf_counter()
            rate, busy = load.run(options.seconds)
            elapsed = time.perf_counter() - start
            report.figure(f"directory: cycles of four calls, {clients} client(s)", rate, "1/s",
                          at_least=target)
            for name, seconds in spent(cluster).items():
                share = (seconds - before[name]) / elapsed
                report.figure(f"  processor time of the {name}", 100 * share, "%")
            report.figure("  processor time of these clients", 100 * busy, "%")
    if os.geteuid() == 0:
        with Cluster(options, "--volume-backend=loop", "--launcher=plain") as cluster:
            load = Load(cluster, 16, volume_cycle, megabytes=32)
            rate, _ = load.run(options.seconds)
            report.figure("loop image: volumes made and destroyed, 16 clients", rate, "1/s",
                          at_least=100)
        yardsticks.make_and_mount(options, report, 32)


def spent(cluster):
    """Processor seconds of master and agent: whether they or the disk set the pace."""
    daemons = cluster.daemons()
    return {name: processor_seconds(daemons[name]) for name in ("master", "agent")}


def request(agent, kind, field, resource):
    """The bytes of one operator call."""
    body = json.dumps({"type": kind, kind.lower(): {
        "agent_id": {"value": agent}, field: [resource]}}).encode()
    return (b"POST /api/v1 HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            b"Accept: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)) + body


def disk(megabytes, volume=None):
    resource = {"name": "disk", "type": "SCALAR", "scalar": {"value": megabytes},
                "reservations": [{"type": "DYNAMIC", "role": ROLE}]}
    if volume:
        resource["disk"] = {"persistence": {"id": volume},
                            "volume": {"container_path": "data", "mode": "RW"}}
    return resource


def whole_cycle(agent, name, megabytes):
    """Calls before the cycle, and those of the cycle."""
    return [], [request(agent, "RESERVE_RESOURCES", "resources", disk(megabytes)),
                request(agent, "CREATE_VOLUMES", "volumes", disk(megabytes, name)),
                request(agent, "DESTROY_VOLUMES", "volumes", disk(megabytes, name)),
                request(agent, "UNRESERVE_RESOURCES", "resources", disk(megabytes))]


def volume_cycle(agent, name, megabytes):
    return ([request(agent, "RESERVE_RESOURCES", "resources", disk(megabytes))],
            [request(agent, "CREATE_VOLUMES", "volumes", disk(megabytes, name)),
             request(agent, "DESTROY_VOLUMES", "volumes", disk(megabytes, name))])


class Client:
    """One kept connection with the calls that it repeats."""

    def __init__(self, port, preparation, cycle):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.preparation, self.cycle = preparation, cycle
        self.next, self.data = 0, b""

    def answer(self):
        """The status once the answer is complete, or nothing when there is more to come."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise RuntimeError("the master closed a connection")
        self.data += chunk
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end:
            return None
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        if len(body) < length:
            return None
        if head[9:12] != b"202" or length:
            # A body beside 202 means that the agent had not answered in time.
            raise RuntimeError(f"call {self.next}: {self.data[:600]!r}")
        self.data = b""
        return 202


class Load:
    """Clients in one thread: threads of Python would measure their own lock."""

    def __init__(self, cluster, clients, calls, megabytes):
        self.clients = [Client(cluster.port, *calls(cluster.agent_id, f"v{clients}-{index}",
                                                    megabytes))
                        for index in range(clients)]

    def run(self, seconds):
        """Whole cycles a second, and the share of a processor that this client used."""
        selector = selectors.DefaultSelector()
        for client in self.clients:
            for call in client.preparation:
                client.socket.sendall(call)
                while client.answer() is None:
                    pass
            selector.register(client.socket, selectors.EVENT_READ, client)
        start, busy, done, active = time.perf_counter(), time.process_time(), 0, 0
        for client in self.clients:
            client.socket.sendall(client.cycle[0])
            active += 1
        while active:
            for key, _ in selector.select():
                client = key.data
                if client.answer() is None:
                    continue
                client.next = (client.next + 1) % len(client.cycle)
                done += client.next == 0
                if client.next == 0 and time.perf_counter() - start >= seconds:
                    active -= 1
                    selector.unregister(client.socket)
                    client.socket.close()
                    continue
                client.socket.sendall(client.cycle[client.next])
        elapsed = time.perf_counter() - start
        selector.close()
        return done / elapsed, (time.process_time() - busy) / elapsed
