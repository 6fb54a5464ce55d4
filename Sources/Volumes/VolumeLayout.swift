package import Linux
package import Model

/// Where everything of a disk's volumes lies.
///
///     <root>/volumes/roles/<role, "/" as " ">/<persistence id>   data, as in Mesos
///     <root>/volumes/images/<uuid>                               loop images
///     <root>/volumes/owners/<uuid>.json                          owner files
///     <root>/volumes/owners/<uuid>.retired                       the same, of a given-up volume
///     <root>/volumes/deleting/<uuid>                             data on its way out
///     <root>/volumes/owners/<uuid>.keep                          its data is kept by DESTROY
///     <root>/volumes/owners/<uuid>.wipe                          its data is being erased
///     <root>/volumes/found/<name>-<n>                            what stood in a volume's place
///     <root>/volumes/detached/<name>                             data that DESTROY has kept
///     <root>/volumes/adoptions/<number>.json                     what the next CREATE takes over
package struct VolumeLayout: Hashable, Sendable {
    package let disk: VolumeDisk
    /// The directory that holds all the others.
    package let base: String

    package init(_ disk: VolumeDisk) {
        self.disk = disk
        switch disk {
        case .root(let directory), .path(let directory):
            base = "\(Self.trimmed(directory))/volumes"
        case .mount(let root, let workDirectory):
            let name = Self.spaced(Self.trimmed(root))
            base = "\(Self.trimmed(workDirectory))/volumes/mounts/\(name)"
        }
    }

    package var roles: String { "\(base)/roles" }
    package var images: String { "\(base)/images" }
    package var owners: String { "\(base)/owners" }
    package var deleting: String { "\(base)/deleting" }
    package var found: String { "\(base)/found" }
    package var detached: String { "\(base)/detached" }
    package var adoptions: String { "\(base)/adoptions" }

    /// Makes the directories, each durable.
    package func makeDirectories() throws(SystemError) {
        for directory in [roles, images, found, detached] { try Files.makeDirectories(directory) }
        // Owner files and data on its way out are nobody's business.
        for directory in [owners, deleting, adoptions] {
            try Files.makeDirectories(directory, mode: 0o700)
        }
    }

    /// The places of one volume; `unsafePath` where a name would lead out of its directory.
    package func paths(
        uuid: VolumeUUID, role: String, persistenceID: String
    ) throws(VolumeError) -> VolumePaths {
        let id = uuid.value
        guard !id.isEmpty, id.utf8.count <= 64, id.utf8.allSatisfy(Self.isUUIDByte) else {
            throw .unsafePath("'\(id)' is no UUID")
        }
        let data: String
        switch disk {
        case .root, .path:
            let directory = try Self.component(Self.spaced(role), of: "role")
            let name = try Self.component(persistenceID, of: "persistence id")
            data = "\(roles)/\(directory)/\(name)"
        case .mount(let root, _):
            data = Self.trimmed(root)
        }
        return VolumePaths(
            data: data, image: "\(images)/\(id)", owner: "\(owners)/\(id).json",
            retired: "\(owners)/\(id).retired", keep: "\(owners)/\(id).keep",
            deleting: "\(deleting)/\(id)")
    }

    /// Where data that is kept gets its name; `unsafePath` where that leads elsewhere.
    func detachedPath(_ name: String) throws(VolumeError) -> String {
        "\(detached)/\(try Self.component(name, of: "name"))"
    }

    private static func isUUIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// A name that is one step down from its directory, nothing else.
    private static func component(
        _ name: String, of what: String
    ) throws(VolumeError) -> String {
        let isPlain = name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
        guard !name.isEmpty, name != ".", name != "..", name.utf8.count <= 255, isPlain else {
            throw .unsafePath("the \(what) '\(name)' can't be the name of a directory")
        }
        return name
    }

    /// Roles and paths as one component, as Mesos writes them.
    private static func spaced(_ text: String) -> String {
        String(text.map { $0 == "/" ? " " : $0 })
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}

/// The places of one volume; each exists only in some of its states.
package struct VolumePaths: Hashable, Sendable {
    package let data: String
    package let image: String
    /// The owner file, and its name once the volume is given up.
    package let owner: String
    package let retired: String
    package let keep: String
    package let deleting: String

    /// How far the erasure of its data has come, before its DESTROY.
    package var wipe: String { owner.dropLast(".json".count) + ".wipe" }
}
