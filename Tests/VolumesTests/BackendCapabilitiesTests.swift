import Linux
import Testing

@testable import Volumes

/// What backends say of themselves is what they do.
@Suite struct BackendCapabilitiesTests {
    @Test(arguments: TestBackend.usable)
    func eachDoesWhatItSays(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        _ = try disk.ready(store, spec)
        let status = try store.status(spec.uuid)
        let says = status.record.backend.capabilities
        #expect(says.limit == status.enforcement)
        #expect(says.growsWhileMounted == status.growsWhileMounted)
        // A walk counts files, too.
        if says.usageCost != .walk {
            #expect(says.countsInodes == (try store.usage(spec.uuid).usedInodes != nil))
        }
        let smaller = spec.bytes / 2
        if says.shrinks {
            try store.shrink(spec.uuid, to: smaller)
            #expect(try store.status(spec.uuid).record.spec.bytes == smaller)
        } else {
            #expect(throws: VolumeError.self) { try store.shrink(spec.uuid, to: smaller) }
        }
    }

    @Test func tryingLeavesNothingAndTellsWhyNot() throws {
        let disk = try TestDisk(.directory)
        let before = try Files.list(disk.root)
        let found = try BackendSelector.tryAll(in: disk.root, thinPool: nil)
        #expect(found.map(\.kind) == BackendKind.allCases.filter { $0 != .mountDisk })
        #expect(found.first { $0.kind == .directory }?.reason == nil)
        #expect(found.first { $0.kind == .lvmThinXFS }?.reason?.isEmpty == false)
        #expect(try Files.list(disk.root) == before)
    }
}
