import Foundation

/// The recorded exchanges with Mesos 1.11, where they are beside the clone.
enum Transcripts {
    /// One request with its answer; bodies are nil where there was no text.
    struct Exchange {
        let file: String
        let name: String
        let path: String
        let host: String
        let headers: [String: String]
        let request: String?
        let status: Int?
        let response: String?
        let events: [String]
    }

    /// Empty, with a printed reason, when the transcripts are not there.
    static func all() throws -> [Exchange] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../shared/reference/transcripts").standardizedFileURL
        let files =
            (try? FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: nil)) ?? []
        let transcripts = files.filter { $0.pathExtension == "json" }
            .sorted { $0.path < $1.path }
        if transcripts.isEmpty { print("skipped: no transcripts in \(folder.path)") }
        return try transcripts.flatMap(exchanges)
    }

    private static func exchanges(of file: URL) throws -> [Exchange] {
        let root = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        return flattened(root ?? [:]).map { item in
            let request = item["request"] as? [String: Any] ?? [:]
            let response = item["response"] as? [String: Any] ?? [:]
            let pairs = request["headers"] as? [[String]] ?? []
            let headers = Dictionary(pairs.map { ($0[0].lowercased(), $0[1]) }) { $1 }
            return Exchange(
                file: file.lastPathComponent, name: item["name"] as? String ?? "",
                path: request["path"] as? String ?? "", host: headers["host"] ?? "",
                headers: headers,
                request: (request["body"] as? [String: Any])?["text"] as? String,
                status: response["status"] as? Int,
                response: (response["body"] as? [String: Any])?["text"] as? String,
                events: records(response["raw_chunks"] as? [[String: Any]] ?? []))
        }
    }

    /// An executor's own recording is one exchange that holds others.
    private static func flattened(_ item: [String: Any]) -> [[String: Any]] {
        guard let inner = item["exchanges"] as? [[String: Any]] else { return [item] }
        return inner.flatMap(flattened)
    }

    /// The records of a stream: each chunk is a length, a line feed and the record.
    private static func records(_ chunks: [[String: Any]]) -> [String] {
        chunks.compactMap { chunk in
            guard let text = chunk["text"] as? String, let end = text.firstIndex(of: "\n") else {
                return nil
            }
            return String(text[text.index(after: end)...])
        }
    }
}
