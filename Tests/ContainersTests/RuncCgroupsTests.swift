import Linux
import Testing

@Suite struct RuncCgroupsTests {
    private let unified = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"
    private let first = """
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
        """
    private let beside = "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"

    @Test func oneTreeHoldsEveryController() {
        let cgroups = Cgroups(MountTable(text: unified))
        #expect(cgroups.directory("memory", "/holdfast/a/b") == "/sys/fs/cgroup/holdfast/a/b")
        #expect(cgroups.roots == ["/sys/fs/cgroup"])
    }

    @Test(arguments: [false, true])
    func controllersHaveTreesOfTheirOwn(_ isHybrid: Bool) {
        let text = isHybrid ? first + "\n" + beside : first
        let cgroups = Cgroups(MountTable(text: text))
        #expect(cgroups.directory("memory", "/g") == "/sys/fs/cgroup/memory/g")
        #expect(cgroups.directory("cpuacct", "/g") == "/sys/fs/cgroup/cpu,cpuacct/g")
        #expect(cgroups.directory("pids", "/g") == nil)
        #expect(cgroups.unified == (isHybrid ? "/sys/fs/cgroup/unified" : nil))
        #expect(cgroups.roots.count == (isHybrid ? 4 : 3))
    }
}
