import Foundation
import Testing

@testable import Daemons

/// The agent's audit log: every line whole, who asked, and no more logs than are wanted.
@Suite struct RepairLogTests {
    private let directory: String

    init() throws {
        directory = "/tmp/holdfast-repair-log-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
    }

    private func log() -> RepairLog {
        RepairLog(workDirectory: directory, bytesLimit: 400, olderLogs: 3)
    }

    private func append(_ number: Int, _ log: RepairLog) throws {
        try log.append(
            code: "owner-missing", subject: "\(number)", result: "begun", message: "",
            requester: "ann@host")
    }

    /// The subjects in the logs, the oldest first.
    private func subjects() throws -> [[Int]] {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        let order = names.filter { $0 != "audit.log" }.reversed() + ["audit.log"]
        return try order.map { name in
            let text = try String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
            return try text.split(separator: "\n").map { line in
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let fields = try #require(object as? [String: String])
                #expect(fields["requester"] == "ann@host")
                return try #require(Int(fields["subject"] ?? ""))
            }
        }
    }

    @Test func aFullLogMovesOnAndTheOldestGoes() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for number in 1...40 { try append(number, log()) }
        let all = try subjects()
        #expect(all.count == 4)
        let lines = all.flatMap(\.self)
        #expect(lines.last == 40 && lines == Array((lines.first ?? 0)...40), "\(all)")
        #expect((lines.first ?? 0) > 1)
    }

    /// Killed between two renames: a place is empty, and nothing but the oldest is overwritten.
    @Test func aRotationThatWasCutShortGoesOn() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let log = log()
        var number = 0
        while try number == 0 || subjects().count < 3 {
            number += 1
            try append(number, log)
        }
        // As if the last rotation had moved the older logs only.
        try FileManager.default.moveItem(
            atPath: "\(directory)/audit.log.2", toPath: "\(directory)/audit.log.3")
        try FileManager.default.moveItem(
            atPath: "\(directory)/audit.log.1", toPath: "\(directory)/audit.log.2")
        let before = try subjects().flatMap(\.self)
        for next in (number + 1)...(number + 4) { try append(next, log) }
        let lines = try subjects().flatMap(\.self)
        #expect(lines == before + Array((number + 1)...(number + 4)), "\(lines)")
    }
}
