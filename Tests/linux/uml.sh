#!/bin/bash
# Runs tests on a second kernel, in User-Mode Linux: those of volumes on ext4 and XFS project quota,
# on LVM's thin volumes and, once more, on images and directories on tmpfs; growth of a mounted ext4,
# which takes CAP_SYS_RESOURCE; and containers under pure cgroup v2. Fails, never skips, where
# User-Mode Linux can't be started. Build the tests first: swift build --build-tests.
#
# usage: Tests/linux/uml.sh [-b TEST-BUNDLE] [PART...]   PART: project, growth, memory, lvm, cgroups
set -u
repository=$(cd "$(dirname "$0")/../.." && pwd)
fail() { echo "FAILED: $*" >&2; exit 1; }
bundle=$repository/.build/debug/holdfastPackageTests.xctest
if [ "${1:-}" = -b ]; then bundle=$2; shift 2; fi
[ -x "$bundle" ] || fail "$bundle is not built"
bundle=$(realpath "$bundle")
parts=("$@")
[ $# -gt 0 ] || parts=(project growth memory lvm cgroups)
export PATH=$PATH:/usr/sbin:/sbin
for program in linux.uml modprobe setpriv setquota mkfs.ext4 mkfs.xfs lvm thin_check runc; do
    command -v "$program" >/dev/null \
        || fail "$program is missing: scripts/install-dependencies tests"
done

work=$(mktemp -d /tmp/holdfast-uml.XXXXXX)
trap 'rm -rf "$work"' EXIT
# The second kernel sees this machine's files read-only and works on memory.
cat >"$work/init" <<INIT
#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/shm /dev/pts
for place in /tmp /run /mnt /var/tmp /etc/lvm; do mount -t tmpfs -o size=3G tmpfs \$place; done
mkdir -p /mnt/lib/modules /run/lvm /run/lock/lvm
ln -s /usr/lib/uml/modules/\$(uname -r) /mnt/lib/modules/\$(uname -r)
for module in quota_v2 loop dm_mod dm_thin_pool; do
    modprobe -d /mnt \$module || echo "HOLDFAST-UML no module \$module"
done
tests() { # part, command's prefix..., -- filter
    local part=\$1; shift
    local prefix=()
    while [ "\$1" != -- ]; do prefix+=("\$1"); shift; done
    "\${prefix[@]}" "$bundle" --testing-library swift-testing --no-parallel --filter "\$2"
    echo "HOLDFAST-UML \$part status \$?, after \${SECONDS} s"
}
part_project() {
    export HOLDFAST_TEST_BACKENDS=projectExt4,projectXFS
    # Root with CAP_SYS_RESOURCE may pass every limit of ext4: tasks don't have it, nor do the tests.
    tests project setpriv --bounding-set=-sys_resource --inh-caps=-sys_resource -- \\
        'VolumesTests.(VolumeBackendContract|ResizeTests|CrashTests|StoreTests/sixteen|ProjectQuotaTests|ProjectScenarioTests|BackendCapabilitiesTests/each|StorageRepairTests|TransferTests)'
}
part_growth() {
    export HOLDFAST_TEST_BACKENDS=loopExt4
    tests growth -- 'VolumesTests.(ResizeTests|CrashTests/grown)'
}
part_memory() {
    export HOLDFAST_TEST_BACKENDS=directory,loopExt4,loopXFS
    tests memory -- 'VolumesTests.VolumeBackendContract'
}
part_lvm() {
    cat >/etc/lvm/lvm.conf <<'CONF'
activation { udev_sync=0 udev_rules=0 monitoring=0 }
devices {
    use_devicesfile=0 obtain_device_list_from_udev=0 external_device_info_source="none" scan=["/dev"]
}
CONF
    truncate -s 24G /tmp/physical
    local device; device=\$(losetup -f --show /tmp/physical)
    { pvcreate -q "\$device" && vgcreate -q holdfast-test "\$device" \\
        && lvcreate -q -T -L 20G holdfast-test/pool; } >/tmp/lvm.log 2>&1 || cat /tmp/lvm.log
    export HOLDFAST_TEST_BACKENDS=lvmThinExt4,lvmThinXFS HOLDFAST_TEST_THIN_POOL=holdfast-test/pool
    tests lvm -- 'VolumesTests.(VolumeBackendContract|ResizeTests|CrashTests/grown|ThinVolumeTests|BackendCapabilitiesTests/each|TransferTests/aDetached|StorageRepairTests/aSound)'
}
part_cgroups() {
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    echo "HOLDFAST-UML controllers: \$(cat /sys/fs/cgroup/cgroup.controllers)"
    tests cgroups -- 'ContainersTests.(UnifiedCgroupTests|QuotaEscapeTests|RuncLauncherTests|RuncUpdateTests/limits|RuncIsolationTests/(exceeding|processes))'
}
for part in ${parts[*]}; do ( part_\$part ); done
echo o >/proc/sysrq-trigger
sleep 60
INIT
chmod +x "$work/init"

TMPDIR=/dev/shm timeout -k 3 "${HOLDFAST_UML_SECONDS:-600}" linux.uml mem=4G root=/dev/root \
    rootfstype=hostfs rootflags=/ ro init="$work/init" con=null con0=fd:0,fd:1 quiet \
    "umid=holdfast-$$" </dev/null >"$work/output" 2>&1
status=$?
# A few thousand lines: shown are failures, results and, where it did not come to its end, the last.
[ -z "${HOLDFAST_UML_LOG:-}" ] || cp "$work/output" "$HOLDFAST_UML_LOG"
grep -aE '^HOLDFAST-UML|✘|recorded an issue|Test run with|SKIPPED|are skipped' "$work/output" \
    | cut -c 1-400
show() { tail -n 30 "$work/output" | cut -c 1-300; fail "$@"; }
grep -aq '^HOLDFAST-UML' "$work/output" || show "User-Mode Linux did not start (status $status)"
grep -aq '^HOLDFAST-UML no module' "$work/output" && fail "the second kernel lacks a module"
grep -aqE '^SKIPPED volume tests|^runc tests are skipped' "$work/output" \
    && fail "what the second kernel is there for did not work in it"
for part in "${parts[@]}"; do
    grep -aq "^HOLDFAST-UML $part status 0," "$work/output" || show "$part: see above"
done
# Two file systems each, and three kinds of volumes on tmpfs.
counts=$(grep -acE 'aNewVolumeIsEmpty.*with [23] test cases passed' "$work/output")
wanted=$(printf '%s\n' "${parts[@]}" | grep -cE '^(project|memory|lvm)$')
[ "$counts" = "$wanted" ] || fail "the contract ran $counts times instead of $wanted"
echo "in User-Mode Linux: ${parts[*]}: pass"
