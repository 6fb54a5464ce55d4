internal import Foundation
internal import Linux

/// An OCI layout with one image in it, as skopeo leaves it.
struct ImageLayout {
    private struct Index: Decodable {
        let manifests: [Blob]
    }

    private struct Manifest: Decodable {
        let config: Blob
        let layers: [Blob]
    }

    private struct Blob: Decodable {
        let digest: String
    }

    private static let fileLimit = 4 << 20

    /// The manifest's SHA-256 in hexadecimal digits: the image's identity.
    let digest: String
    /// The bytes of the config blob.
    let configuration: [UInt8]
    let layerCount: Int

    init(_ directory: String) throws(ContainerError) {
        let index: Index = try Self.decode("\(directory)/index.json")
        guard index.manifests.count == 1, let manifest = index.manifests.first else {
            throw ContainerError("the image's layout has no single manifest")
        }
        digest = try Self.hexadecimal(manifest.digest)
        let content: Manifest = try Self.decode("\(directory)/blobs/sha256/\(digest)")
        let config = try Self.hexadecimal(content.config.digest)
        configuration = try Self.read("\(directory)/blobs/sha256/\(config)")
        layerCount = content.layers.count
    }

    private static func hexadecimal(_ digest: String) throws(ContainerError) -> String {
        let digits = digest.dropFirst("sha256:".count)
        let isPlain = digits.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard digest.hasPrefix("sha256:"), digits.utf8.count == 64, isPlain else {
            throw ContainerError("the image has a digest that is not SHA-256: \(digest.prefix(80))")
        }
        return String(digits)
    }

    private static func decode<Value: Decodable>(_ path: String) throws(ContainerError) -> Value {
        let bytes = try read(path)
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw ContainerError("the image's layout is not as specified: \(error)")
        }
    }

    /// Reads a config blob that was stored apart.
    static func configuration(_ path: String) throws(ContainerError) -> ImageConfiguration {
        try ImageConfiguration(json: try read(path))
    }

    private static func read(_ path: String) throws(ContainerError) -> [UInt8] {
        do throws(SystemError) {
            if let bytes = try DurableFile.read(path, limit: fileLimit) { return bytes }
        } catch {
            throw ContainerError("the image's layout can't be read: \(error)")
        }
        throw ContainerError("the image's layout is not whole: \(path) is missing")
    }
}
