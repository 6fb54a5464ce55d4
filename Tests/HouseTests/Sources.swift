import Foundation

/// The project's own source text; generated files are not among it.
struct SourceFile {
    let room: String
    let path: String
    let lines: [Substring]

    /// Code without its comments, line by line.
    var code: [Substring] {
        lines.map { line in
            line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
        }
    }

    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All hand-written Swift below a folder of the project, sorted by path.
    static func all(in folder: String) -> [SourceFile] {
        let base = root.appending(path: folder)
        let found = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)
        let urls = (found?.allObjects as? [URL] ?? [])
            .filter { $0.pathExtension == "swift" && !$0.lastPathComponent.hasSuffix(".pb.swift") }
            .sorted { $0.path < $1.path }
        return urls.compactMap { url in
            guard let text = try? String(contentsOf: url, encoding: .utf8) else { return nil }
            let path = url.path.dropFirst(root.path.count + 1)
            let room = path.split(separator: "/").dropFirst().first.map(String.init) ?? ""
            return SourceFile(
                room: room, path: String(path),
                lines: text.split(separator: "\n", omittingEmptySubsequences: false))
        }
    }
}
