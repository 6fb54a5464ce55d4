import Foundation

/// A directory that is deleted with its last reference.
final class TemporaryDirectory: Sendable {
    let path = "/tmp/holdfast-registry-\(UUID().uuidString)"

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
