internal import Glibc

/// One mount of a namespace, as a line of /proc/PID/mountinfo tells it.
package struct MountEntry: Hashable, Sendable {
    package let id: Int
    package let parent: Int
    package let device: DeviceNumber
    /// The directory of the file system that forms the root of this mount.
    package let root: String
    package let mountPoint: String
    package let options: [String]
    /// `shared:7` in the line.
    package let peerGroup: Int?
    package let fileSystem: String
    package let source: String
    package let superOptions: [String]

    /// Nil for a line that is none.
    package init?(line: Substring) {
        let fields = line.cut(at: " ", keepsEmpty: true)
        guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3,
            let id = Int(fields[0]), let parent = Int(fields[1])
        else { return nil }
        let numbers = fields[2].cut(at: ":")
        guard numbers.count == 2, let major = UInt32(numbers[0]), let minor = UInt32(numbers[1])
        else { return nil }
        self.id = id
        self.parent = parent
        device = DeviceNumber(major: major, minor: minor)
        root = Self.unescaped(fields[3])
        mountPoint = Self.unescaped(fields[4])
        options = fields[5].cut(at: ",").map(String.init)
        peerGroup =
            fields[6..<dash].lazy.filter { $0.hasPrefix("shared:") }
            .compactMap { Int($0.dropFirst("shared:".count)) }.first
        fileSystem = Self.unescaped(fields[dash + 1])
        source = Self.unescaped(fields[dash + 2])
        superOptions = fields[dash + 3].cut(at: ",").map(String.init)
    }

    /// Undoes the kernel's `\040` for bytes that would break the line.
    private static func unescaped(_ field: Substring) -> String {
        guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
        let bytes = Array(field.utf8)
        var result: [UInt8] = []
        var position = 0
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "\\"), position + 3 < bytes.count,
                let code = UInt8(
                    String(decoding: bytes[(position + 1)...(position + 3)], as: UTF8.self),
                    radix: 8)
            {
                result.append(code)
                position += 4
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension Substring {
    /// The parts between ASCII characters: by bytes, as `split` takes several times as long to find
    /// where each character ends, and a launch reads this machine's mounts several times.
    fileprivate func cut(at separator: Unicode.Scalar, keepsEmpty: Bool = false) -> [Substring] {
        utf8.split(
            separator: UInt8(ascii: separator), omittingEmptySubsequences: !keepsEmpty
        ).map { Substring($0) }
    }
}

/// The mounts of a namespace, in the order of mounting.
package struct MountTable: Hashable, Sendable {
    package let entries: [MountEntry]

    package init(text: String) {
        entries = text[...].cut(at: "\n").compactMap { MountEntry(line: $0) }
    }

    /// This process's mounts.
    package static func current() throws(SystemError) -> MountTable {
        MountTable(text: try KernelText.read("/proc/self/mountinfo"))
    }

    /// Another process's mounts.
    package static func of(process: Int32) throws(SystemError) -> MountTable {
        MountTable(text: try KernelText.read("/proc/\(process)/mountinfo"))
    }

    /// The mount that is seen at exactly this place: the last one there.
    package func top(at path: String) -> MountEntry? {
        entries.last { $0.mountPoint == path }
    }

    /// The mount that a path lies on.
    package func containing(_ path: String) -> MountEntry? {
        var best: MountEntry?
        for entry in entries where Self.isBelowOrSame(path, entry.mountPoint) {
            if entry.mountPoint.utf8.count >= (best?.mountPoint.utf8.count ?? 0) { best = entry }
        }
        return best
    }

    /// The mounts at places below a path, last mounted first: the order in which to unmount.
    package func below(_ path: String) -> [MountEntry] {
        entries.reversed().filter {
            $0.mountPoint != path && Self.isBelowOrSame($0.mountPoint, path)
        }
    }

    /// Whether a mount shows the very directory that it covers: `mount --bind d d`.
    package func isSelfBind(_ entry: MountEntry) -> Bool {
        guard let parent = entries.first(where: { $0.id == entry.parent }),
            parent.device == entry.device,
            Self.isBelowOrSame(entry.mountPoint, parent.mountPoint)
        else { return false }
        let rest = Self.relative(entry.mountPoint, to: parent.mountPoint)
        let base = parent.root == "/" ? "" : parent.root
        return entry.root == (rest.isEmpty ? (base.isEmpty ? "/" : base) : base + "/" + rest)
    }

    package static func isBelowOrSame(_ path: String, _ ancestor: String) -> Bool {
        path == ancestor || ancestor == "/" || path.hasPrefix(ancestor + "/")
    }

    private static func relative(_ path: String, to ancestor: String) -> String {
        String(path.dropFirst(ancestor.count).drop { $0 == "/" })
    }
}

/// Files of /proc and /sys, whose size is not known before they are read.
package enum KernelText {
    /// The whole text; what lies beyond `limit` bytes is EFBIG.
    package static func read(
        _ path: String, limit: Int = 64 << 20
    ) throws(SystemError) -> String {
        let file = try Descriptor.open(path)
        let number = file.number
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 32_768)
        while true {
            let count = try SystemError.check("read", path) {
                Glibc.read(number, &buffer, buffer.count)
            }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            guard bytes.count + count <= limit else {
                throw SystemError("read", path, errno: EFBIG)
            }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    /// A one-line file without its newline; nil where it can't be read.
    package static func line(_ path: String) -> String? {
        guard let text = try? read(path, limit: 65_536) else { return nil }
        return text.split(separator: "\n", omittingEmptySubsequences: false).first
            .map(String.init)
    }
}
