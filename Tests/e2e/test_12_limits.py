"""Limits of volumes and containers: bytes and operations a second, inodes; who is noisy."""
import glob
import os
import subprocess
import time

from client import Framework, Operator, operation, scalar
from cluster import Cluster, Skipped, eventually

ROLE = "limits"
BASE = [scalar("cpus", 0.1), scalar("mem", 64)]
MIB = 1 << 20
RATE = 4 * MIB
ROOT = "/sys/fs/cgroup/blkio"
WRITES = "blkio.throttle.write_bps_device"
IDLE = "exec sleep 89003"
BUFFERED = ("while :; do dd if=/dev/zero of=data/big bs=1M count=44 conv=notrunc status=none; "
            "done")
DIRECT = ("while :; do dd if=/dev/zero of=data/big bs=1M count=44 oflag=direct conv=notrunc "
          "status=none; done")
COUNT = ("i=0; while touch data/f$i; do i=$((i+1)); [ $i = 2000 ] && break; done; echo $i >n; "
         + IDLE)


def needs_v1():
    if not os.path.exists(f"{ROOT}/{WRITES}"):
        raise Skipped("no cgroup v1 blkio here")


def limited(size, name, **limits):
    volume = scalar("disk", size, ROLE, volume=name)
    volume["disk"]["limits"] = limits
    return volume


def throttle(device, group=ROOT, name=WRITES):
    """The rate that is set for a device; None: none."""
    with open(f"{group}/{name}") as file:
        return dict(line.split() for line in file).get(device)


def group_of(task, cluster):
    containers = Operator(f"http://127.0.0.1:{cluster.agent_port}").get("GET_CONTAINERS")
    wanted = task["task_id"]["value"]
    found = [c["container_id"]["value"] for c in containers["containers"]
             if c["executor_id"]["value"] == wanted]
    return glob.glob(f"{ROOT}/holdfast/*/{found[0]}")[0]


def launch(framework, volumes, command, more=(), **fields):
    """Reserves, makes the volumes and runs a task on them; what it mounts has no limits written."""
    offer = framework.offer(lambda o: any(
        r["name"] == "disk" and not r.get("reservations") for r in o["resources"]))
    plain = [{**v, "disk": {k: d for k, d in v["disk"].items() if k != "limits"}} for v in volumes]
    task = framework.task(offer, BASE + list(more) + plain, command, **fields)
    size = sum(v["scalar"]["value"] for v in volumes)
    steps = []
    if volumes:
        steps = [operation("RESERVE", resources=[scalar("disk", size, ROLE)]),
                 operation("CREATE", volumes=volumes)]
    framework.accept(offer, *steps, operation("LAUNCH", task_infos=[task]))
    framework.state(task, "TASK_RUNNING")
    return task


def end(framework, task):
    framework.call("KILL", task_id=task["task_id"], agent_id=task["agent_id"])
    framework.state(task, "TASK_KILLED")


def device_of(cluster, name):
    """MAJOR:MINOR of a volume, and where it is mounted."""
    place = f"{cluster.directory}/work/agent/volumes/roles/{ROLE}/{name}"
    number = os.stat(place).st_dev
    return f"{os.major(number)}:{os.minor(number)}", place


def written(device):
    with open(f"/sys/dev/block/{device}/stat") as file:
        return int(file.read().split()[6]) * 512


def measured(device, seconds):
    """Bytes a second that arrive at the device, from the moment the first ones do."""
    first = written(device)
    eventually("the first writes", lambda: written(device) > first)
    began, before = time.monotonic(), written(device)
    time.sleep(seconds)
    return (written(device) - before) / (time.monotonic() - began)


def test_bandwidth(binary):
    needs_v1()
    with Cluster(binary, backend="loop") as cluster, Framework(cluster.url, ROLE) as framework:
        volume = limited(96, "v", write_bytes_per_second=RATE, reads_per_second=5000)
        task = launch(framework, [volume], BUFFERED)
        device, place = device_of(cluster, "v")
        assert throttle(device) == str(RATE), device
        assert throttle(device, name="blkio.throttle.read_iops_device") == "5000", device
        # What is written back is the root group's, whoever has it done.
        flush = subprocess.Popen(["sh", "-c", 'while sync -f "$0" 2>/dev/null; do :; done', place])
        rate = measured(device, 10)
        assert 0 < rate < RATE * 1.25, f"buffered: {rate:.0f} bytes/s"
        print(f"    buffered: {rate / MIB:.2f} MiB/s of {RATE / MIB} at the device")
        noisy(cluster, task)
        survives_kill(cluster, device, place)
        end(framework, task)
        flush.terminate()
        subprocess.run(["sync", "-f", place], check=True)

        # Direct I/O is the container's own group's: it has the limit, too.
        def again():
            offer = framework.offer(lambda o: any(
                r.get("disk", {}).get("persistence", {}).get("id") == "v" for r in o["resources"]))
            mine = [r for r in offer["resources"]
                    if r.get("disk", {}).get("persistence", {}).get("id") == "v"]
            assert "limits" not in mine[0]["disk"], "an old client meets a field it does not know"
            task = framework.task(offer, BASE + [scalar("disk", 96, ROLE, volume="v")], DIRECT)
            framework.accept(offer, operation("LAUNCH", task_infos=[task]))
            framework.state(task, "TASK_RUNNING")
            return task
        task = again()
        assert throttle(device_of(cluster, "v")[0], group_of(task, cluster)) == str(RATE)
        rate = measured(device, 6)
        print(f"    direct: {rate / MIB:.2f} MiB/s")
        assert 0 < rate < RATE * 1.25, f"direct: {rate:.0f} bytes/s"
        end(framework, task)

        cluster.cli("volume", "destroy", "--now", "v")
        eventually("the device's end and that of its limits", lambda: throttle(device) is None)


def noisy(cluster, task):
    def seen():
        rows = cluster.json("disks", "top", "--interval=2")
        first = [r for r in rows if r["kind"] != "disk"][0]
        return first["written_bytes_per_second"] > 0.2 * RATE and (rows, first)
    rows, first = eventually("the noisy neighbour", seen)
    assert (first["kind"], first["name"]) == ("volume", "v"), rows
    assert task["task_id"]["value"] in first["owners"], first
    assert first["wait_milliseconds"] > 0 and first["share_percent"] > 50, first
    assert {r["kind"] for r in rows} == {"disk", "volume", "sandbox"}, rows
    eventually("its name", lambda: "noisiest: volume v with" in cluster.cli(
        "disks", "top", "--once", "--interval=1"))


def survives_kill(cluster, device, place):
    """The limit is there after the agent's death, comes back where it was lost, and what a dead
    loop device has left goes."""
    image = f"{cluster.directory}/stale.img"
    with open(image, "wb") as file:
        file.truncate(MIB)
    loop = subprocess.run(["losetup", "--find", "--show", image], check=True,
                          capture_output=True, text=True).stdout.strip()
    with open(f"/sys/block/{os.path.basename(loop)}/dev") as file:
        stale = file.read().strip()
    for number, rate in ((stale, RATE), (device, 0)):
        with open(f"{ROOT}/{WRITES}", "w") as file:
            file.write(f"{number} {rate}")
    subprocess.run(["losetup", "--detach", loop], check=True)
    assert throttle(stale) == str(RATE) and throttle(device) is None
    cluster.kill("agent")
    cluster.wait_for_agent()
    eventually("the volume's limit", lambda: throttle(device) == str(RATE))
    eventually("the stale limit's end", lambda: throttle(stale) is None)
    assert device_of(cluster, "v") == (device, place)


def test_inodes(binary):
    with Cluster(binary, backend="loop") as cluster, Framework(cluster.url, ROLE) as framework:
        agent = {"value": cluster.agent_id}
        refused(cluster, agent)
        volumes = [limited(16, "few", inodes=100)]
        task = launch(framework, volumes, COUNT)
        other = launch(framework, [scalar("disk", 16, ROLE, volume="many")], COUNT)
        listed = {v["resource"]["disk"]["persistence"]["id"]: v
                  for v in cluster.operator.get("LIST_VOLUMES")["volumes"]}
        assert listed["few"]["limits"] == {"inodes": 100}, listed
        assert "limits" not in listed["few"]["resource"]["disk"], listed
        assert "limits" not in listed["many"], listed
        table = {v["id"]: v for v in cluster.json("volumes")}
        assert table["few"]["limits"] == "100 inodes" and table["many"]["limits"] is None, table
        counts = [eventually("the count", lambda: sandbox_file(cluster, t)) for t in (task, other)]
        assert 20 < int(counts[0]) < 100, counts
        assert int(counts[1]) == 2000, counts
        assert "limited to 100 inodes" in cluster.cli("explain", "volume", "few")
        print(f"    {counts[0]} files of 100 inodes; the neighbour made {counts[1]}")
        for each in (task, other):
            end(framework, each)


def sandbox_file(cluster, task):
    found = glob.glob(
        f"{cluster.directory}/work/agent/slaves/*/frameworks/*/executors/"
        f"{task['task_id']['value']}/runs/latest/n")
    if found:
        with open(found[0]) as file:
            return file.read().strip()


def refused(cluster, agent):
    """400 with what was wrong; nothing is made."""
    reserve = cluster.operator.post(
        "RESERVE_RESOURCES", {"agent_id": agent, "resources": [scalar("disk", 8, ROLE)]})
    assert reserve.status_code == 202, reserve.text
    for limits, words in (
            ({"write_bytes_per_second": 1}, ["write_bytes_per_second", "at least 65536"]),
            ({"reads_per_second": -5}, ["reads_per_second", "10 to"]),
            ({"inodes": 0}, ["inodes", "16 to"]), ({"inodes": "many"}, ["inodes"])):
        answer = cluster.operator.post(
            "CREATE_VOLUMES", {"agent_id": agent, "volumes": [limited(8, "bad", **limits)]})
        assert answer.status_code == 400, (limits, answer.status_code, answer.text)
        assert all(word in answer.text for word in words), answer.text
    assert not cluster.operator.get("LIST_VOLUMES").get("volumes")
    answer = cluster.operator.post(
        "UNRESERVE_RESOURCES", {"agent_id": agent, "resources": [scalar("disk", 8, ROLE)]})
    assert answer.status_code == 202, answer.text


def test_containers(binary):
    needs_v1()
    resources = "cpus:8;mem:8192;disk:2048;disk_bandwidth:100;disk_iops:5000"
    with Cluster(binary, backend="directory", resources=resources) as cluster:
        with Framework(cluster.url, ROLE) as framework:
            info = {"type": "MESOS", "disk_limits": {"write_bytes_per_second": 2 * MIB}}
            share = [scalar("disk_bandwidth", 3), scalar("disk_iops", 200)]
            task = launch(framework, [], IDLE, share, container=info)
            group = group_of(task, cluster)
            with open(f"{group}/{WRITES}") as file:
                device = file.read().split()[0]
            rates = [throttle(device, group, f"blkio.throttle.{kind}_device")
                     for kind in ("write_bps", "read_bps", "write_iops", "read_iops")]
            # The stricter of both: its own wish, and its share of the disk.
            assert rates == [str(2 * MIB), str(3 * MIB), "200", "200"], rates
            end(framework, task)
        # A disk kept as directories can't hold what is asked of a volume.
        agent = {"value": cluster.agent_id}
        plain = {"agent_id": agent, "resources": [scalar("disk", 8, ROLE)]}
        assert cluster.operator.post("RESERVE_RESOURCES", plain).status_code == 202
        volume = limited(8, "v", write_bytes_per_second=RATE)
        answer = cluster.operator.post("CREATE_VOLUMES", {"agent_id": agent, "volumes": [volume]})
        assert answer.status_code == 409, answer.text
        assert "device of the volume's own" in answer.text, answer.text
        assert not cluster.operator.get("LIST_VOLUMES").get("volumes")
