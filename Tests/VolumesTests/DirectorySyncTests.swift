import Dispatch
import Synchronization
import Testing

@testable import Linux

@Suite struct DirectorySyncTests {
    @Test func callsDuringASyncShareTheNext() {
        let sync = DirectorySync()
        let count = Atomic<Int>(0)
        let (begun, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
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
        let others = (0..<4).map { DispatchQueue(label: "other-\($0)") }
        for other in others {
            other.async(group: group) {
                begun.signal()
                try? sync.sync("/directory") { () throws(SystemError) in
                    count.add(1, ordering: .relaxed)
                }
            }
        }
        for _ in others { begun.wait() }
        // Another directory's sync waits for nobody.
        try? sync.sync("/elsewhere") { () throws(SystemError) in
            count.add(100, ordering: .relaxed)
        }
        release.signal()
        group.wait()
        // At least one that began after the first; the four need no more than one each.
        #expect((102...105).contains(count.load(ordering: .relaxed)))
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
