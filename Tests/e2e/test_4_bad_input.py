"""What peers send wrong is refused with a 4xx, and nothing else happens."""
import json
import socket
import time

import requests

from client import JSON, scalar
from cluster import Cluster, eventually


def reserve(agent, resources):
    return {"type": "RESERVE_RESOURCES", "reserve_resources": {
        "agent_id": {"value": agent}, "resources": resources}}


def wrong_amounts(agent):
    for amount in ["0", "-1", "NaN", '"NaN"', '"Infinity"', '"-Infinity"', "1e300", "-1e300",
                   "1e999", "0.0001", '"x"', "null", "{}"]:
        for name in ["cpus", "disk"]:
            text = json.dumps(reserve(agent, [scalar(name, 4242, "r")]))
            yield f"{name} {amount}", text.replace("4242", amount)


def wrong_documents(agent):
    deep = 100_000
    yield from {
        "nothing": "", "a word": "hello", "half an object": '{"type":', "a list": "[]",
        "null": "null", "a number": "7", "two objects": "{}{}", "no type": "{}",
        "an unknown type": '{"type":"SUMMON"}', "a type of another kind": '{"type":[1]}',
        "a field of another kind": '{"type":"RESERVE_RESOURCES","reserve_resources":7}',
        "no body": '{"type":"RESERVE_RESOURCES"}',
        "an empty body": '{"type":"RESERVE_RESOURCES","reserve_resources":{}}',
        "an unknown agent": json.dumps(reserve("nobody", [scalar("cpus", 1, "r")])),
        "no reservation": json.dumps(reserve(agent, [scalar("cpus", 1)])),
        "no resource": json.dumps(reserve(agent, [{}])),
        "a wrong role": json.dumps(reserve(agent, [scalar("cpus", 1, "../r")])),
        "not UTF-8": b'{"type":"\xff\xfe"}',
        "a broken surrogate": '{"type":"\\ud800"}',
        "deep lists": "[" * deep + "]" * deep,
        "deep objects": '{"a":' * deep + "1" + "}" * deep,
        "deep in a field": '{"type":"GET_STATE","x":' + "[" * deep + "]" * deep + "}",
        "10 MB of spaces": " " * 10_000_000,
        "10 MB of text": json.dumps({"type": "x" * 10_000_000}),
        "10 MB of resources": json.dumps(
            reserve(agent, [scalar("cpus", 1, "r")])).replace('"r"', '"' + "r" * 10_000_000 + '"'),
    }.items()


def refused(label, answer):
    assert 400 <= answer.status_code < 500, f"{label}: {answer.status_code} {answer.text[:300]}"
    assert answer.text.strip(), f"{label}: {answer.status_code} without a text"
    assert len(answer.text) < 10_000, f"{label}: an answer of {len(answer.text)} characters"


def post(url, body, kind="application/json"):
    data = body.encode() if isinstance(body, str) else body
    return requests.post(url, data=data, headers={**JSON, "Content-Type": kind}, timeout=60)


def books(cluster):
    state = cluster.operator.get("GET_STATE")
    return json.dumps(state, sort_keys=True)


def scheduler_calls():
    framework = {"value": "nobody"}
    for kind in ["ACCEPT", "DECLINE", "REVIVE", "SUPPRESS", "KILL", "ACKNOWLEDGE", "RECONCILE",
                 "MESSAGE", "TEARDOWN", "SUMMON"]:
        yield kind, json.dumps({"type": kind, "framework_id": framework})
    yield "SUBSCRIBE without a body", '{"type":"SUBSCRIBE"}'
    yield "SUBSCRIBE without a user", '{"type":"SUBSCRIBE","subscribe":{"framework_info":{}}}'


def test_refused_and_nothing_changed(binary):
    with Cluster(binary, backend="directory") as cluster:
        eventually("the scheduler", lambda: cluster.operator.get("GET_FRAMEWORKS")["frameworks"])
        before, pids = books(cluster), [cluster.pid("master"), cluster.pid("agent")]
        master = f"{cluster.url}/api/v1"
        agent = f"http://127.0.0.1:{cluster.agent_port}/api/v1"
        wrong = []

        def check(label, url, body, kind="application/json"):
            try:
                refused(label, post(url, body, kind))
            except (AssertionError, requests.RequestException) as error:
                wrong.append(f"{url} {error if str(error).startswith(label) else (label, error)}")

        for label, body in wrong_amounts(cluster.agent_id):
            check(label, master, body)
        for label, body in wrong_documents(cluster.agent_id):
            for url in [master, master + "/scheduler", agent, agent + "/executor"]:
                check(label, url, body)
        for label, body in scheduler_calls():
            check(label, master + "/scheduler", body)
        for url in [master, master + "/scheduler", agent, agent + "/executor"]:
            check("a wrong content type", url, "{}", "text/plain")
            for junk in [b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\x08", b"\x0b" * 100_000]:
                check(f"protobuf {junk[:6]}", url, junk, "application/x-protobuf")
        assert not wrong, "\n".join(w[:400] for w in wrong)
        assert books(cluster) == before
        assert [cluster.pid("master"), cluster.pid("agent")] == pids


def slow_sender(port, first):
    """Sends one byte now and then until the server has had enough; its answer."""
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(first)
        peer.settimeout(1)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                return peer.recv(4096)
            except socket.timeout:
                peer.sendall(b"x")
            except ConnectionError:
                return b""
    raise TimeoutError("a slow sender was borne for 60 s")


def test_slow_senders(binary):
    with Cluster(binary, backend="directory") as cluster:
        pids = [cluster.pid("master"), cluster.pid("agent")]
        for port in [cluster.port, cluster.agent_port]:
            answer = slow_sender(port, b"POST /api/v1 HTTP/1.1\r\nHost: a\r\nX-Slow: ")
            assert answer.startswith(b"HTTP/1.1 408"), answer
        silent = [socket.create_connection(("127.0.0.1", cluster.port)) for _ in range(200)]
        assert cluster.wait_for_agent() == cluster.agent_id
        for peer in silent:
            peer.close()
        assert [cluster.pid("master"), cluster.pid("agent")] == pids
