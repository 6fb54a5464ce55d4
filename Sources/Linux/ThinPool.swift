/// A thin pool of LVM, written `GROUP/POOL`, and the thin volumes in it, by LVM's own commands.
///
/// They take LVM's lock of the group in turn, so that calls of several threads and processes are
/// one after the other; each has changed all or nothing when it ends.
package struct ThinPool: Hashable, Sendable, CustomStringConvertible {
    /// A thin volume as `lvs` shows it.
    package struct Volume: Hashable, Sendable {
        package let bytes: Int64
        /// The share of it that has blocks of the pool, in percent; 0 where it is not active.
        package let dataPercent: Double
    }

    /// The pool itself.
    package struct State: Hashable, Sendable {
        package let bytes: Int64
        /// What all its volumes have together if each of them fills.
        package let bookedBytes: Int64
        /// The group's unit of size.
        package let extentBytes: Int64
        package let metadataPercent: Double
        /// Whether a block is zeroed before a volume gets it.
        package let zeroes: Bool
    }

    package static let tools = [
        "lvs", "lvcreate", "lvremove", "lvextend", "lvreduce", "lvchange", "dmsetup",
    ]
    /// Each waits for those of others.
    private static let timeoutMilliseconds: Int64 = 300_000
    private static let separator: Character = "|"

    package let group: String
    package let name: String

    /// Nil for what can't be the name of a pool.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy(Self.isName) else { return nil }
        (group, name) = (parts[0], parts[1])
    }

    package var description: String { "\(group)/\(name)" }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 100 && !text.hasPrefix("-") && text != "."
            && text != ".."
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: "+"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// The name that device-mapper has for a volume of the group: hyphens are doubled in it.
    package func mapperName(of volume: String) -> String {
        [group, volume].map { $0.split(separator: "-", omittingEmptySubsequences: false) }
            .map { $0.joined(separator: "--") }.joined(separator: "-")
    }

    package func device(of volume: String) -> String { "/dev/mapper/\(mapperName(of: volume))" }

    /// Of a volume in the group; nil where there is none.
    package func volume(_ name: String) throws(SystemError) -> Volume? {
        let lines = try list("lv_size,data_percent", "lv_name=\"\(name)\"")
        guard let words = lines.first, words.count == 2, let bytes = Int64(words[0]) else {
            return nil
        }
        return Volume(bytes: bytes, dataPercent: Double(words[1]) ?? 0)
    }

    /// Whether an active volume has no block of the pool; cheap, as LVM is not asked.
    package func isEmpty(_ name: String) throws(SystemError) -> Bool {
        // `START LENGTH thin MAPPED HIGHEST`, in sectors.
        let words = try run("dmsetup", ["status", "--noflush", mapperName(of: name)])
            .output.split(whereSeparator: \.isWhitespace)
        return words.count > 3 && words[2] == "thin" && words[3] == "0"
    }

    /// Nil where there is no such pool; EFBIG where its volumes are too many to be listed.
    package func state() throws(SystemError) -> State? {
        let fields = "pool_lv,lv_size,vg_extent_size,metadata_percent,zero"
        let lines = try list(fields, "pool_lv=\"\(name)\" || lv_name=\"\(name)\"")
        var pool: [String]?
        var booked: Int64 = 0
        for words in lines where words.count == 5 {
            if words[0].isEmpty { pool = words } else { booked += Int64(words[1]) ?? 0 }
        }
        guard let pool, let bytes = Int64(pool[1]), let extent = Int64(pool[2]), extent > 0,
            // Only pools have metadata of their own.
            let metadataPercent = Double(pool[3])
        else { return nil }
        return State(
            bytes: bytes, bookedBytes: booked, extentBytes: extent,
            metadataPercent: metadataPercent, zeroes: pool[4] == "zero")
    }

    private func list(_ fields: String, _ selection: String) throws(SystemError) -> [[String]] {
        let outcome = try run(
            "lvs",
            [
                "--noheadings", "--nosuffix", "--units", "b", "--separator",
                String(Self.separator), "-o", fields, "-S", selection, group,
            ])
        guard outcome.output.utf8.count < Command.outputLimit else {
            throw SystemError("lvs", description, errno: Self.tooLarge)
        }
        return outcome.output.split(separator: "\n").map { line in
            line.split(separator: Self.separator, omittingEmptySubsequences: false).map { word in
                String(word.drop { $0 == " " })
            }
        }
    }

    /// Makes an active volume without contents: it reads as zeros.
    package func create(_ volume: String, bytes: Int64) throws(SystemError) {
        try run(
            "lvcreate",
            [
                "-y", "--wipesignatures", "n", "--addtag", "holdfast", "-V", "\(bytes)b",
                "-T", description, "-n", volume,
            ])
    }

    /// Makes its device appear, if it has none: after a reboot without LVM's own services.
    package func activate(_ volume: String) throws(SystemError) {
        try run("lvchange", ["-ay", "\(group)/\(volume)"])
    }

    package func extend(_ volume: String, to bytes: Int64) throws(SystemError) {
        try run("lvextend", ["-L", "\(bytes)b", "\(group)/\(volume)"])
    }

    /// What lies beyond is lost.
    package func reduce(_ volume: String, to bytes: Int64) throws(SystemError) {
        try run("lvreduce", ["-f", "-L", "\(bytes)b", "\(group)/\(volume)"])
    }

    /// Gives all its blocks back to the pool; EBUSY while something has it open.
    package func remove(_ volume: String) throws(SystemError) {
        try run("lvremove", ["-f", "\(group)/\(volume)"])
    }

    @discardableResult
    private func run(
        _ program: String, _ arguments: [String]
    ) throws(SystemError) -> Command.Outcome {
        let outcome = try Command(
            program, arguments, timeoutMilliseconds: Self.timeoutMilliseconds
        ).run()
        guard outcome.isSuccess else {
            let isBusy = ["in use", "used by another device"].contains(
                where: outcome.errors.contains)
            throw SystemError(
                "\(program) (\(outcome.summary))", arguments.last ?? "",
                errno: isBusy ? Self.busy : Self.failed)
        }
        return outcome
    }

    // EIO, EBUSY and EFBIG.
    private static let failed: Int32 = 5
    private static let busy: Int32 = 16
    private static let tooLarge: Int32 = 27
}
