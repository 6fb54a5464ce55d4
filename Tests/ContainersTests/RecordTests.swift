import Containers
import Glibc
import Linux
import Testing

/// What a restarted agent reads, also when it was torn.
@Suite struct RecordTests {
    @Test func anExitIsReadOrKnownToBeUnknown() {
        #expect(
            StateDirectory.exit("status 768\nended 17\noom 0\ndropped 5\n")
                == ContainerExit(waitStatus: 768))
        #expect(
            StateDirectory.exit("status 9\nended 17\noom 2\n")
                == ContainerExit(waitStatus: 9, isOutOfMemory: true))
        #expect(StateDirectory.exit("status unknown\n") == ContainerExit(waitStatus: nil))
        for torn in ["", "ended 17\n", "stat", "status\n"] {
            #expect(StateDirectory.exit(torn) == nil)
        }
    }

    @Test func aProcessIsTheOneRecordedOrNone() throws {
        let own = ProcessRecord(
            pid: getpid(), startTime: try #require(ProcessRecord.startTime(of: getpid())),
            bootID: Processes.bootID())
        #expect(own.isPresent && own.open() != nil)
        let text = "\(own.pid) \(own.startTime) \(own.bootID)\n"
        #expect(ProcessRecord(text: text) == own)
        let later = ProcessRecord(pid: own.pid, startTime: 1, bootID: own.bootID)
        #expect(!later.isPresent && later.open() == nil)
        let before = ProcessRecord(pid: own.pid, startTime: own.startTime, bootID: "another")
        #expect(!before.isPresent)
        for torn in ["", "1", "1 2", "-1 2 x", "a b c", "1 2 3 4"] {
            #expect(ProcessRecord(text: torn) == nil)
        }
    }
}
