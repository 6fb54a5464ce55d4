import Foundation
import Testing

/// Who may import whom: the table of docs/architecture.md as data. SwiftPM itself stops neither an
/// undeclared sibling import nor a clock in a core.
@Suite struct RoomTests {
    static let values = ["Model", "MachineCore", "MesosAPI", "HoldfastAPI"]
    static let collections = ["OrderedCollections"]
    static let system = ["Glibc", "Foundation", "Dispatch", "Synchronization"]

    static let mayImport: [String: [String]] = [
        "Model": collections,
        "MachineCore": [],
        "MesosAPI": ["SwiftProtobuf", "Foundation"],
        "HoldfastAPI": ["SwiftProtobuf", "Foundation", "MesosAPI"],
        "AllocatorCore": values + collections,
        "MasterCore": values + collections + ["AllocatorCore"],
        "AgentCore": values + collections,
        "ServiceCore": values + collections,
        "Wire": values + ["SwiftProtobuf", "Foundation"],
        "Linux": system + ["CLinux"],
        "Journal": system + ["Linux"],
        "Registry": system + ["Model", "MesosAPI", "HoldfastAPI", "Linux", "GRDB"],
        "Volumes": system + ["Model", "Linux", "CLinux", "Journal"],
        "Containers": system + ["Model", "Linux", "CLinux", "Journal", "Volumes"],
        "Net": system + [
            "AsyncHTTPClient", "NIOCore", "NIOPosix",
            "NIOHTTP1", "NIOHTTPTypes", "NIOFoundationCompat", "NIOConcurrencyHelpers", "Logging",
            "ServiceLifecycle", "Linux", "CZlib",
        ],
        "Daemons": system + values + collections + [
            "AllocatorCore", "MasterCore", "AgentCore", "ServiceCore", "Wire", "Linux", "Journal",
            "Registry", "Volumes", "Containers", "Net", "Logging", "SwiftProtobuf", "Yams",
        ],
        "Simulator": values + collections + [
            "AllocatorCore", "MasterCore", "AgentCore", "ServiceCore", "Wire", "SwiftProtobuf",
        ],
    ]

    static let pure = [
        "Model", "MachineCore", "AllocatorCore", "MasterCore", "AgentCore", "ServiceCore",
        "Simulator",
    ]

    @Test func everyImportIsInTheTable() {
        for file in SourceFile.all(in: "Sources") where file.room != "holdfast" {
            guard let allowed = Self.mayImport[file.room] else {
                Issue.record("room \(file.room) is not in the table: \(file.path)")
                continue
            }
            for line in file.code {
                guard let module = importedModule(line) else { continue }
                #expect(
                    allowed.contains(module),
                    "\(file.path) imports \(module); \(file.room) may import \(allowed)")
            }
        }
    }

    @Test func theCoresAreFreeOfClocksChanceAndConcurrency() {
        let banned = [
            "Date()", "UUID()", ".now()", "SystemRandomNumberGenerator", ".random(", ".shuffled()",
            "Task {", "Task.", "await ", "async ", "DispatchQueue", "print(",
        ]
        for file in SourceFile.all(in: "Sources") where Self.pure.contains(file.room) {
            for (number, line) in file.code.enumerated() {
                for word in banned where Self.has(word, in: line) {
                    Issue.record("\(file.path):\(number + 1) has '\(word)' in a pure core")
                }
            }
        }
    }

    /// Whether a word stands in a line as a word of its own, outside of text.
    private static func has(_ word: String, in line: Substring) -> Bool {
        guard let range = line.firstRange(of: word), !line.contains("\"") else { return false }
        guard range.lowerBound > line.startIndex else { return true }
        let before = line[line.index(before: range.lowerBound)]
        return !before.isLetter && !before.isNumber || word.hasPrefix(".")
    }

    @Test func everyRoomOfTheTableExists() {
        let rooms = Set(SourceFile.all(in: "Sources").map(\.room))
        for room in Self.mayImport.keys.sorted() where !room.hasSuffix("API") {
            #expect(rooms.contains(room), "the table names \(room), which has no source")
        }
    }

    private func importedModule(_ line: Substring) -> String? {
        var words = line.split(separator: " ")
        while let first = words.first,
            ["package", "public", "internal", "private", "fileprivate"]
                .contains(first) || first.hasPrefix("@")
        {
            words.removeFirst()
        }
        guard words.first == "import", words.count >= 2 else { return nil }
        let kinds = ["struct", "class", "enum", "func", "typealias", "protocol", "let", "var"]
        let name = kinds.contains(String(words[1])) && words.count > 2 ? words[2] : words[1]
        return name.split(separator: ".").first.map(String.init)
    }
}
