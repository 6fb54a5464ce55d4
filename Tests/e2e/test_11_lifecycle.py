"""Volumes that nobody wants any more: the trash, protection, collection and erasure."""
import hashlib
import json
import os
import subprocess
import time

import requests

from client import JSON, Framework, operation, scalar
from cluster import Cluster, eventually

ROLE = "db"
MARKER = b"a-very-secret-marker-of-a-volume"


def only(rows):
    assert len(rows) == 1, rows
    return rows[0]


def volume(cluster, name):
    return next((v for v in cluster.json("volumes") if v["id"] == name), None)


def state(cluster, name):
    row = volume(cluster, name)
    return row and row["state"]


def refused(cluster, *words):
    done = subprocess.run(
        [cluster.binary, *words, f"--master=127.0.0.1:{cluster.port}"], capture_output=True,
        text=True, timeout=60)
    assert done.returncode != 0, done.stdout
    return done.stderr


def make(cluster, name, size=32):
    cluster.cli("reserve", f"--role={ROLE}", f"disk:{size}")
    cluster.cli("volume", "create", f"--role={ROLE}", f"--size={size}", name)
    # Its file system is made a moment later.
    eventually("a usable volume", lambda: volume(cluster, name)["backend"])
    return volume(cluster, name)["uuid"], f"{cluster.directory}/work/agent/volumes/roles/db/{name}"


def checksums(path):
    sums = {}
    for directory, _, names in os.walk(path):
        for name in names:
            whole = os.path.join(directory, name)
            with open(whole, "rb") as file:
                sums[os.path.relpath(whole, path)] = hashlib.sha256(file.read()).hexdigest()
    return sums


def test_destroyed_and_undeleted(binary):
    with Cluster(binary) as cluster:
        uuid, path = make(cluster, "orders")
        os.makedirs(f"{path}/deep/er")
        for name, size in (("row", 3_000_000), ("deep/er/index", 70_000), ("empty", 0)):
            with open(f"{path}/{name}", "wb") as file:
                file.write(os.urandom(size))
        before = checksums(path)
        assert len(before) == 3

        cluster.cli("policy", "set", ROLE, "--trash=1h")
        policy = only(cluster.json("policy", "list"))
        assert policy["role"] == ROLE and policy["trash"] == "1hrs", policy
        cluster.cli("volume", "destroy", "orders")
        assert state(cluster, "orders") == "trash"
        assert "in the trash" in refused(cluster, "volume", "destroy", "orders")
        with Framework(cluster.url, ROLE) as framework:
            offer = framework.offer()
            assert not [r for r in offer["resources"] if r["name"] == "disk"
                        and r.get("reservations")], offer
        # Neither side's death is a way out of the trash.
        cluster.kill("agent")
        cluster.kill("master")
        cluster.wait_for_agent()
        assert state(cluster, "orders") == "trash"

        cluster.cli("volume", "undelete", "orders")
        row = volume(cluster, "orders")
        assert row["state"] == "active" and row["uuid"] == uuid, row
        assert checksums(path) == before
        actions = [line["action"] for line in cluster.json("audit", f"--volume={uuid}")
                   if line["outcome"] == "FINISHED"]
        assert actions == ["CREATE", "VOLUME_TRASHED", "VOLUME_UNDELETED"], actions
        report = json.loads(cluster.cli("fsck", "--json"))
        assert report["findings"] == [], report
        # An operator who says so erases at once.
        cluster.cli("volume", "destroy", "--now", "orders")
        eventually("no volume", lambda: cluster.json("volumes") == [])


def test_protection(binary):
    with Cluster(binary, backend="directory") as cluster:
        make(cluster, "orders")
        cluster.cli("volume", "protect", "orders")
        for words in (("volume", "destroy", "orders"), ("volume", "destroy", "--now", "orders"),
                      ("volume", "shrink", "--by=1", "orders")):
            assert "is protected: take the protection off first" in refused(cluster, *words)
        listed = cluster.operator.get("LIST_VOLUMES")["volumes"][0]
        assert listed["protected"] and listed["state"] == "active", listed
        cluster.cli("volume", "unprotect", "orders")
        cluster.cli("volume", "destroy", "orders")
        assert cluster.json("volumes") == []


def test_orphans_are_collected(binary):
    with Cluster(binary, backend="directory") as cluster:
        framework = Framework(cluster.url, ROLE).subscribe()
        orders = scalar("disk", 32, ROLE, volume="orders")
        framework.accept(
            framework.offer(), operation("RESERVE", resources=[scalar("disk", 32, ROLE)]),
            operation("CREATE", volumes=[orders]))
        eventually("the volume", lambda: state(cluster, "orders") == "active")
        uuid = volume(cluster, "orders")["uuid"]
        with open(f"{cluster.directory}/work/agent/volumes/roles/db/orders/row", "wb") as file:
            file.write(MARKER)

        told = only(cluster.json("gc", "--dry-run"))
        assert told["next"] is None and "no policy" in told["reason"], told
        cluster.cli("policy", "set", ROLE, "--orphaned-when=owner-gone", "--retention=4secs",
                    "--trash=5secs")
        told = only(cluster.json("gc", "--dry-run"))
        assert told["next"] is None and "is not removed" in told["reason"], told
        framework.call("TEARDOWN")
        begun = time.time()
        eventually("an orphan", lambda: state(cluster, "orders") == "orphaned")
        told = only(cluster.json("gc", "--dry-run"))
        assert told["next"] == "trash" and told["due"] and told["policy"] == ROLE, told
        assert "is removed" in told["reason"] and "4 s" in told["reason"], told
        assert state(cluster, "orders") == "orphaned"
        eventually("it in the trash", lambda: state(cluster, "orders") == "trash")
        assert time.time() - begun >= 4
        assert os.path.exists(f"{cluster.directory}/work/agent/volumes/roles/db/orders/row")
        told = only(cluster.json("gc"))
        assert told["next"] == "erase" and told["state"] == "trash", told
        eventually("no volume", lambda: cluster.json("volumes") == [])
        assert time.time() - begun >= 9
        actions = [line["action"] for line in cluster.json("audit", f"--volume={uuid}")]
        assert sorted(actions) == sorted([
            "CREATE", "VOLUME_ORPHANED", "VOLUME_TRASHED", "VOLUME_ERASING", "DESTROY",
            "VOLUME_ERASED"]), actions
        eventually("no data", lambda: not os.path.exists(
            f"{cluster.directory}/work/agent/volumes/roles/db/orders"))


def erasures(cluster):
    answer = requests.post(
        f"http://127.0.0.1:{cluster.agent_port}/api/v1", json={"type": "LIST_ERASURES"},
        headers=JSON, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()["list_erasures"].get("erasures", [])


def holds(path, what):
    with open(path, "rb") as file:
        return what in file.read()


def test_overwritten_slowly_over_a_crash(binary):
    with Cluster(binary, backend="loop-ext4") as cluster:
        uuid, path = make(cluster, "orders", size=64)
        with open(f"{path}/secret", "wb") as file:
            file.write(MARKER * 1000)
            file.flush()
            os.fsync(file.fileno())
        image = f"{cluster.directory}/work/agent/volumes/images/{uuid}"
        os.sync()
        assert holds(image, MARKER)
        copy = f"{cluster.directory}/work/agent/copy"
        # The image's last name is the DESTROY's to remove: this one shows what was left in it.
        os.link(image, copy)

        cluster.cli("policy", "set", ROLE, "--erase=overwrite", "--erase-rate=8")
        begun = time.time()
        cluster.cli("volume", "destroy", "orders")
        first = eventually("progress", lambda: [e for e in erasures(cluster)
                                                if int(e["done_bytes"]) >= 16 << 20])
        assert first[0]["mode"] == "overwrite" and not first[0]["finished"], first
        assert state(cluster, "orders") == "erasing"
        assert "being erased" in refused(cluster, "volume", "destroy", "orders")
        assert "is erasing, not in the trash" in refused(cluster, "volume", "undelete", "orders")
        cluster.kill("agent")
        again = eventually("progress after the crash", lambda: erasures(cluster))
        assert int(again[0]["done_bytes"]) >= int(first[0]["done_bytes"]), (first, again)
        eventually("no volume", lambda: cluster.json("volumes") == [], seconds=60)
        # 64 MiB at 8 MiB a second, of which a crash may have forgotten nothing.
        assert time.time() - begun >= 5, "faster than it was told to be"
        assert not holds(copy, MARKER)
        assert not holds(copy, b"\x53\xef"), "a file system is left"
        eventually("no image", lambda: not os.path.exists(image))
        os.remove(copy)
        free = cluster.operator.agents()[0]["total_resources"]
        assert not [r for r in free if r.get("disk", {}).get("persistence")], free


def test_what_was_asked_wrongly(binary):
    with Cluster(binary, backend="directory") as cluster:
        post = cluster.operator.post
        for policy, why in (
                ({"role": "*"}, "not for '*'"), ({"role": "a//b"}, "empty component"),
                ({"role": "a", "retention": {"nanoseconds": 5}}, "orphaned_when"),
                ({"role": "a", "trash": {"nanoseconds": -5}}, "it has to be from 0"),
                ({"role": "a", "erase_mib_per_second": 5}, "DISCARD or OVERWRITE")):
            answer = post("SET_LIFECYCLE_POLICY", {"policy": policy})
            assert answer.status_code == 400 and why in answer.text, answer.text
        assert post("COLLECT_GARBAGE").status_code == 400
        assert post("UNDELETE_VOLUME", {"uuid": "none"}).status_code == 404
        assert post("REMOVE_LIFECYCLE_POLICY", {"role": "a"}).status_code == 404
        assert cluster.json("policy", "list") == []
