import Linux
import Model
import Testing

@testable import Volumes

@Suite struct ResizeTests {
    @Test(arguments: TestBackend.usable)
    func aGrownVolumeHoldsMoreAndKeepsItsData(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        let usable = try store.usage(spec.uuid).usableBytes
        let larger = spec.bytes + (32 << 20) + 1
        try store.grow(spec.uuid, to: larger)
        #expect(try store.status(spec.uuid).record.spec.bytes == larger)
        #expect(try readText("\(path)/file") == "kept")
        #expect(try Files.list(path) == ["file"])
        let result = try fill("\(path)/more", limit: usable + (8 << 20))
        #expect(result.error == nil)
        #expect(try disk.store().status(spec.uuid).record.spec.bytes == larger)
        // Repeated after a lost answer.
        try store.grow(spec.uuid, to: larger)
        #expect(throws: VolumeError.self) { try store.grow(spec.uuid, to: larger - 1) }
    }

    /// A process in a mount namespace of its own, as a container has, writes on through the growth.
    @Test(arguments: TestBackend.growing)
    func aVolumeGrowsUnderAProcessThatWrites(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        let before = try store.usage(spec.uuid).usableBytes
        let script = """
            cd "$1" && exec 3>log && (
                while [ ! -e stop ] && kill -0 $$ 2>/dev/null; do
                    echo line >&3 && n=$((n + 1)) || touch failed
                    echo "$n" >count; sleep 0.01
                done
            ) &
            while [ ! -s "$1/count" ]; do sleep 0.01; done
            """
        let other = try OtherNamespace(script, [path])
        defer { other.end() }
        let larger = spec.bytes + (32 << 20)
        try store.grow(spec.uuid, to: larger)
        #expect(try Files.list(path).contains("log"))
        let after = try store.usage(spec.uuid).usableBytes
        #expect(after >= before + (24 << 20))
        // More than fitted before is written while the process goes on.
        let result = try fill("\(path)/more", limit: before + (8 << 20))
        #expect(result.error == nil)
        let space = try DiskSpace.of("/proc/\(other.process)/root\(path)")
        if TestBackend.images.contains(backend) { #expect(space.totalBytes >= after) }
        try writeText("", to: "\(path)/stop")
        #expect(try FileStatus.ifPresent("\(path)/failed") == nil)
        #expect(try disk.store().status(spec.uuid).record.spec.bytes == larger)
    }

    @Test(arguments: TestBackend.usable)
    func growthBeyondTheDiskLeavesTheVolumeAsItWas(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        let whole = try disk.totalBytes()
        #expect {
            try store.grow(spec.uuid, to: whole + spec.bytes)
        } throws: { error in
            if case .noSpace? = error as? VolumeError { return true }
            return false
        }
        #expect(try store.status(spec.uuid).record.spec.bytes == spec.bytes)
        #expect(try readText("\(path)/file") == "kept")
        let image = "\(disk.root)/volumes/images/\(spec.uuid)"
        if let status = try FileStatus.ifPresent(image) { #expect(status.size == spec.bytes) }
    }

    @Test(arguments: TestBackend.usable)
    func shrinkBelowWhatIsStoredIsRefused(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        #expect(try fill("\(path)/file", limit: 10 << 20).error == nil)
        if backend == .btrfs { _ = try Command("sync", ["-f", path]).run() }
        #expect {
            try store.shrink(spec.uuid, to: 8 << 20)
        } throws: { error in
            switch error as? VolumeError {
            case .belowUsage(let used, 8_388_608): used >= 10 << 20
            case .unsupported: backend.isXFSOfItsOwn
            default: false
            }
        }
        #expect(try store.status(spec.uuid).record.spec.bytes == spec.bytes)
        #expect(try FileStatus.of("\(path)/file").size == 10 << 20)
        // The old limit still holds, not the refused one.
        #expect(try fill("\(path)/second", limit: 1 << 20).error == nil)
    }

    @Test(arguments: TestBackend.usable.filter { !$0.isXFSOfItsOwn })
    func aShrunkVolumeKeepsItsDataAndItsNewLimit(_ backend: TestBackend) throws {
        let disk = try TestDisk(backend)
        let store = try disk.store()
        let spec = disk.spec()
        let path = try disk.ready(store, spec)
        try writeText("kept", to: "\(path)/file")
        let smaller = spec.bytes / 2
        try store.shrink(spec.uuid, to: smaller)
        #expect(try readText("\(path)/file") == "kept")
        #expect(try Files.list(path) == ["file"])
        #expect(try disk.store().status(spec.uuid).record.spec.bytes == smaller)
        guard backend != .directory else { return }
        let result = try fill("\(path)/more", limit: spec.bytes)
        #expect(result.error?.isNoSpace == true)
        #expect(result.bytes <= smaller)
    }

    @Test func whetherAVolumeGrowsWhileMountedIsReported() throws {
        for backend in TestBackend.usable {
            let store = try TestDisk(backend).store()
            let prospect = try store.prospect(forBytes: backend.bytes)
            #expect(prospect.grows == backend.growsWhileMounted, "\(backend)")
        }
    }
}
