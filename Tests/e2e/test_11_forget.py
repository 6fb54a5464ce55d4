"""What only the registry says: a volume whose agent is gone is forgotten when somebody says so."""
import os
import shutil
import signal
import subprocess

from client import scalar
from cluster import Cluster, eventually
from test_10_fsck import codes, fsck
from test_10_inventory import only

ROLE = "db"


def test_rows_of_a_gone_agent(binary):
    with Cluster(binary, backend="directory") as cluster:
        change, old = cluster.operator.change, cluster.agent_id
        volumes = [scalar("disk", 16, ROLE, volume=name) for name in ("v1", "v2")]
        assert change("RESERVE_RESOURCES", old,
                      resources=[scalar("disk", 32, ROLE)]).status_code == 202
        assert change("CREATE_VOLUMES", old, volumes=volumes).status_code == 202
        uuids = sorted(row["uuid"] for row in cluster.json("volumes"))

        def forget(uuid, **more):
            return cluster.operator.post("FORGET_VOLUME", {"uuid": uuid, **more})
        refused = forget(uuids[0])
        assert refused.status_code == 409 and "active" in refused.text, refused.text
        assert forget("no-such").status_code == 404
        assert forget(uuids[0], reason="x" * 2000).status_code == 400
        assert cluster.operator.post("FORGET_VOLUME", {}).status_code == 400

        # The machine is lost with all that was on it, its mounts too; another one takes its place.
        os.kill(cluster.process.pid, signal.SIGSTOP)
        os.kill(cluster.pid("agent"), signal.SIGKILL)
        eventually("the agent's end", lambda: cluster.operator.agents()[0].get("active") is not True)
        refused = forget(uuids[0])
        assert refused.status_code == 409, refused.text
        answer = cluster.operator.post("MARK_AGENT_GONE", {"agent_id": {"value": old}})
        assert answer.status_code == 200, answer.text
        for mount in cluster.mounts():
            subprocess.run(["umount", "-l", mount], check=True)
        for name in os.listdir(f"{cluster.directory}/work/agent"):
            path = f"{cluster.directory}/work/agent/{name}"
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        os.kill(cluster.process.pid, signal.SIGCONT)
        new = cluster.wait_for_agent()
        assert new != old

        report = fsck(cluster, status=1)
        assert codes(report) == ["registry-gone"] * 2, report
        assert codes(fsck(cluster, "--repair", "--yes", status=1)) == ["registry-gone"] * 2
        out = cluster.cli("volume", "forget", uuids[0], "--reason=disk was shredded")
        assert "forgot" in out, out
        report = fsck(cluster, "--repair", "--yes", "--forget", status=0)
        assert only(report["repairs"])["subject"] == uuids[1], report
        assert cluster.json("volumes") == []
        line = only(cluster.json("audit", "--action=VOLUME_FORGOTTEN", f"--volume={uuids[0]}"))
        assert "@" in line["message"] and "shredded" in line["message"], line
        assert fsck(cluster, status=0)["findings"] == []
