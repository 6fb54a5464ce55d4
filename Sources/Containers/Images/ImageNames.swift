internal import Foundation
internal import Linux

/// Which image a name stands for on this agent: a small durable file each.
struct ImageNames: Sendable {
    private struct Entry: Codable {
        var key: String
        var digest: String
    }

    /// `names` in the store's directory.
    let directory: String

    /// Nil: not known.
    func digest(of key: String) -> String? {
        guard let bytes = try? DurableFile.read(file(of: key)),
            let entry = try? JSONDecoder().decode(Entry.self, from: Data(bytes)), entry.key == key
        else { return nil }
        return entry.digest
    }

    func store(_ digest: String, of key: String) throws(ContainerError) {
        do {
            let bytes = try JSONEncoder().encode(Entry(key: key, digest: digest))
            try DurableFile.write(Array(bytes), to: file(of: key))
        } catch {
            throw ContainerError("\(error)")
        }
    }

    private func file(of key: String) -> String {
        // FNV-1a of 64 bits; the file tells whose it is, should two keys have the same.
        let hash = key.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return "\(directory)/\(String(hash, radix: 16))"
    }
}
