import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Linux

@Suite struct DirectorySyncTests {
    @Test func callsDuringASyncShareTheNext() {
        let sync = DirectorySync()
        let count = Atomic<Int>(0)
        let (begun, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let others = 8
        let group = DispatchGroup()
        let first = DispatchQueue(label: "first")
        first.async(group: group) {
            try? sync.sync("/directory") { () throws(SystemError) in
                count.add(1, ordering: .relaxed)
                begun.signal()
                release.wait()
            }
        }
        begun.wait()
        for number in 0..<others {
            DispatchQueue(label: "other-\(number)").async(group: group) {
                try? sync.sync("/directory") { () throws(SystemError) in
                    count.add(1, ordering: .relaxed)
                }
            }
        }
        while sync.places.users(of: "/directory") <= others { sched_yield() }
        // Another directory's sync waits for nobody.
        try? sync.sync("/elsewhere") { () throws(SystemError) in
            count.add(100, ordering: .relaxed)
        }
        release.signal()
        group.wait()
        // The first, the one elsewhere, and at least one that began after the first; but not one
        // for each.
        #expect((102..<101 + others).contains(count.load(ordering: .relaxed)))
        #expect(sync.places.users(of: "/directory") == 0)
    }

    @Test func aFailedSyncIsNobodyElses() {
        let sync = DirectorySync()
        let failure = SystemError("fsync", "/directory", errno: 5)
        #expect(throws: failure) {
            try sync.sync("/directory") { () throws(SystemError) in throw failure }
        }
        var isSynced = false
        try? sync.sync("/directory") { () throws(SystemError) in isSynced = true }
        #expect(isSynced)
    }
}
