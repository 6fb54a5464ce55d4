import Linux
import Model
import Testing

@testable import Volumes

/// Each reason for which a volume operation does not happen, met on a real disk: the error is the
/// one that is meant, and the volume that was there is as it was. A reason without a row fails.
@Suite struct RefusalTableTests {
    /// The cases of `VolumeError` by name; a new one does not compile until it has one.
    private static func name(_ error: VolumeError) -> String {
        switch error {
        case .system: "system"
        case .noSpace: "noSpace"
        case .stillAttached: "stillAttached"
        case .unsafePath: "unsafePath"
        case .notFound: "notFound"
        case .conflict: "conflict"
        case .belowUsage: "belowUsage"
        case .unsupported: "unsupported"
        case .unavailable: "unavailable"
        case .notEmpty: "notEmpty"
        case .damaged: "damaged"
        case .lost: "lost"
        }
    }

    private static let all: Set = [
        "system", "noSpace", "stillAttached", "unsafePath", "notFound", "conflict", "belowUsage",
        "unsupported", "unavailable", "notEmpty", "damaged", "lost",
    ]

    /// Met by `NamespaceTests`: it takes a mount namespace of another process.
    private static let elsewhere: Set = ["stillAttached"]

    /// A disk with one volume that holds two mebibytes.
    private struct Place {
        let disk: TestDisk
        let store: VolumeStore
        let spec: VolumeSpec
        let path: String

        init() throws {
            disk = try TestDisk(.directory)
            store = try disk.store()
            spec = disk.spec()
            path = try disk.ready(store, spec)
            try writeText(String(repeating: "x", count: 2 << 20), to: "\(path)/rows")
        }

        func wholeDisk() throws -> VolumeStore {
            let root = "\(disk.root)/whole"
            try Files.makeDirectory(root)
            try writeText("stranger", to: "\(root)/file")
            return try VolumeStore(
                .mount(root: root, workDirectory: disk.root), preference: .auto)
        }
    }

    private struct Row: Sendable {
        let name: String
        let body: @Sendable (Place) throws -> Void

        init(_ name: String, _ body: @escaping @Sendable (Place) throws -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static let unknown = VolumeUUID("ffffffff-1111-4111-8111-111111111111")

    private static let rows = [
        Row("notFound") { try $0.store.grow(unknown, to: 1 << 20) },
        Row("notFound") { try $0.store.shrink(unknown, to: 1) },
        Row("notFound") { try $0.store.prepare(unknown) },
        Row("notFound") { _ = try $0.store.mount(unknown) },
        Row("notFound") { _ = try $0.store.usage(unknown) },
        Row("conflict") { try $0.store.create($0.disk.spec(1, bytes: 1 << 20)) },
        Row("conflict") { try $0.store.create($0.disk.spec(1, name: "other")) },
        Row("noSpace") { try $0.store.create($0.disk.spec(2, name: "huge", bytes: 1 << 60)) },
        Row("noSpace") { try $0.store.grow($0.spec.uuid, to: 1 << 60) },
        Row("unsafePath") { try $0.store.create($0.disk.spec(2, role: "..")) },
        Row("unsafePath") { try $0.store.create($0.disk.spec(2, name: "a/../b")) },
        Row("belowUsage") { try $0.store.shrink($0.spec.uuid, to: 1 << 20) },
        Row("unavailable") {
            _ = try VolumeStore(.root(workDirectory: $0.disk.root), preference: .btrfs)
        },
        Row("notEmpty") { try $0.wholeDisk().create($0.disk.spec(2)) },
        Row("unsupported") {
            let adoption = Adoption(role: "r", persistenceID: "a", source: $0.path)
            try $0.wholeDisk().adoptWhenCreated(adoption, bytes: 1 << 20)
        },
        Row("damaged") { place in
            try writeText("{", to: "\(place.disk.root)/volumes/owners/\(place.spec.uuid).keep")
            try place.store.retire(place.spec.uuid)
        },
        Row("lost") { place in
            try Files.rename(place.path, to: place.path + ".gone")
            defer { try? Files.rename(place.path + ".gone", to: place.path) }
            _ = try place.store.mount(place.spec.uuid)
        },
        Row("system") { place in
            // A file where the directory of all roles' volumes should be.
            let roles = "\(place.disk.root)/volumes/roles"
            try Files.rename(roles, to: roles + ".gone")
            try writeText("", to: roles)
            defer {
                _ = try? Files.remove(roles)
                try? Files.rename(roles + ".gone", to: roles)
            }
            try place.store.create(place.disk.spec(2))
        },
    ]

    @Test func everyReasonIsMetAndChangesNothing() throws {
        for (number, row) in Self.rows.enumerated() {
            let place = try Place()
            let before = try place.store.status(place.spec.uuid).record
            var found: String?
            do { try row.body(place) } catch let error as VolumeError { found = Self.name(error) }
            #expect(found == row.name, "row \(number)")
            #expect(try place.store.status(place.spec.uuid).record == before, "row \(number)")
            #expect(try FileStatus.of("\(place.path)/rows").size == 2 << 20, "row \(number)")
            #expect(place.store.inventory().map { $0.record.uuid } == [place.spec.uuid])
        }
        #expect(Self.elsewhere.union(Self.rows.map(\.name)) == Self.all)
    }
}
