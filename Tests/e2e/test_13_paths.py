"""Volumes of ContainerInfo: paths of the host and of sandboxes; and volumes that users share."""
import base64
import os
import signal

from client import Framework, operation, scalar
from cluster import Cluster, eventually, pids_of
from test_8_executor_volumes import Executor
from test_8_image import make_image

ROLE = "multi"
BASE = [scalar("cpus", 0.2), scalar("mem", 64)]
GROUPS = "[700000-700009]"


def mounted(path, at, mode="RW", **source):
    named = {"source": source} if source else {"host_path": path}
    return {"container_path": at, "mode": mode, **named}


def launch(framework, volumes, command, user=None, image=None):
    mesos = {"image": {"type": "DOCKER", "docker": {"name": image}}} if image else {}
    offer = framework.offer()
    task = framework.task(offer, BASE, command, container={
        "type": "MESOS", "mesos": mesos, "volumes": volumes})
    if user:
        task["command"]["user"] = user
    framework.accept(offer, operation("LAUNCH", task_infos=[task]))
    return task


# Scenario: volume_host_path_isolator VolumeHostPathIsolatorMesosTest.ROOT_ChangeRootFilesystem
def test_a_host_path_in_a_task_of_an_image(binary):
    with Cluster(binary) as outer:
        image, place = make_image(outer.directory), f"{outer.directory}/place"
        os.mkdir(place)
        options = [f"--host-path-writable={place}"]
        with Cluster(binary, options=options) as cluster, \
                Framework(cluster.url, ROLE) as framework:
            with open(f"{place}/word", "w") as file:
                file.write("here\n")
            # Busybox has no commands but these: what it reads and writes is the host's.
            volumes = [mounted(place, "/made/here"), mounted(f"{place}/word", "/etc/word", "RO")]
            command = "read a < /etc/word; echo $a > /made/here/out; echo x > /etc/word || exit 0"
            framework.state(launch(framework, volumes, command, image=image), "TASK_FINISHED")
            with open(f"{place}/out") as file:
                assert file.read() == "here\n"
            with open(f"{place}/word") as file:
                assert file.read() == "here\n"


def test_what_a_task_may_not_have(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        host = {"type": "HOST_PATH", "host_path": {"path": "/etc"}}
        climbing = {"type": "SANDBOX_PATH", "sandbox_path": {"type": "SELF", "path": "../x"}}
        parent = {"type": "SANDBOX_PATH", "sandbox_path": {"type": "PARENT", "path": "x"}}
        for volume, words in (
                (mounted("", "at", **host), "may write nowhere (--host-path-writable)"),
                (mounted("", "at", **climbing), "without '..'"),
                (mounted("", "at", **parent), "this container has no parent"),
                (mounted("/etc", "../at", "RO"), "must not contain '..'")):
            status = framework.state(launch(framework, [volume], "true"), "TASK_FAILED")
            assert status["reason"] == "REASON_CONTAINER_LAUNCH_FAILED", status
            assert words in status["message"], status
        # To read what any task without an image sees is allowed to all.
        reads = launch(framework, [mounted("/etc", "at", "RO"), mounted("own", "/mnt")],
                       "cmp at/passwd /etc/passwd && echo 1 > /mnt/f && test -s own/f")
        framework.state(reads, "TASK_FINISHED")
        assert not [m for m in cluster.mounts() if "/runtime/root/" in m and m.endswith(".0")]


# Scenario: volume_sandbox_path_isolator VolumeSandboxPathIsolatorTest.SharedParentTypeVolume
def test_tasks_of_an_executor_share_a_place_in_its_sandbox(binary):
    with Cluster(binary) as cluster, Framework(cluster.url, ROLE) as framework:
        executor = Executor(framework)

        def task(offer, name):
            return {
                "name": name, "task_id": {"value": name}, "agent_id": offer["agent_id"],
                "resources": executor.allocated(scalar("cpus", 0.1), scalar("mem", 32)),
                "executor": executor.info, "data": base64.b64encode(f"at/{name}".encode()).decode(),
                "container": {"type": "MESOS", "volumes": [mounted("", f"at/{name}", **{
                    "type": "SANDBOX_PATH",
                    "sandbox_path": {"type": "PARENT", "path": "shared"}})]}}
        one = task(offer := framework.offer(), "t1")
        assert executor.launch(offer, task=one) == "t1"
        two = task(offer := framework.offer(), "t2")
        assert executor.launch(offer, task=two) == "t1,t2"
        assert executor.kill(one) == "t1,t2"
        cluster.kill("agent")
        cluster.wait_for_agent()
        assert executor.kill(two) == "t1,t2"
        eventually("no mount", lambda: not [m for m in cluster.mounts() if "/at/" in m])


def has(name):
    return lambda offer: any(
        r.get("disk", {}).get("persistence", {}).get("id") == name for r in offer["resources"])


def shared_task(framework, volume, command, user):
    offer = framework.offer(has("v"))
    task = framework.task(offer, BASE + [volume], command)
    task["command"]["user"] = user
    framework.accept(offer, operation("LAUNCH", task_infos=[task]))
    return task


# Scenario: volume_gid_manager VolumeGidManagerTest.ROOT_UNPRIVILEGED_USER_SlaveRecovery
def test_users_share_a_volume_by_its_group(binary):
    with Cluster(binary, options=[f"--volume-gid-range={GROUPS}"]) as cluster:
        framework = Framework(cluster.url, ROLE)
        framework.info["capabilities"].append({"type": "SHARED_RESOURCES"})
        with framework:
            volume = {**scalar("disk", 32, ROLE, volume="v", path="data"), "shared": {}}
            framework.accept(
                framework.offer(), operation("RESERVE", resources=[scalar("disk", 32, ROLE)]),
                operation("CREATE", volumes=[volume]))
            waits = "umask 2; id -G > data/nobody; until test -e data/daemon; do sleep 0.1; done"
            first = shared_task(framework, volume, f"{waits}; exec sleep 87013.1", "nobody")
            framework.state(first, "TASK_RUNNING")
            sleeper = lambda: pids_of("87013.1")  # noqa: E731
            # The agent that comes back gives another user the same group, and leaves the first
            # one's rights as they are.
            cluster.kill("agent")
            cluster.wait_for_agent()
            second = shared_task(
                framework, volume,
                "until test -s data/nobody; do sleep 0.1; done; "
                "grep -qw 700000 data/nobody && id -G | grep -qw 700000 && "
                "echo x >> data/nobody && touch data/daemon && test $(stat -c %g data/daemon) = "
                "700000 && test $(stat -c %a data) = 2770", "daemon")
            framework.state(second, "TASK_FINISHED")
            process = eventually("the first user's task goes on", sleeper)
            # Root needs no group, and takes none away.
            framework.state(shared_task(
                framework, volume, "test $(stat -c %g data) = 700000", "root"), "TASK_FINISHED")
            assert sleeper() == process
            for pid in process:
                os.kill(pid, signal.SIGKILL)
            framework.state(first, "TASK_FAILED")
