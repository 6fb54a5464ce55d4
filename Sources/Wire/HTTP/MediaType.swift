package import Model
package import SwiftProtobuf

/// The two forms that a message travels in.
package enum MediaType: String, Hashable, Sendable, CaseIterable {
    case json = "application/json"
    case protobuf = "application/x-protobuf"

    /// A request body's form. The header must match to the letter: neither parameters nor capitals.
    package static func ofRequest(contentType: String?) throws(ErrorForm) -> MediaType {
        guard let contentType else {
            throw ErrorForm(status: 400, text: "Expecting 'Content-Type' to be present")
        }
        guard let type = MediaType(rawValue: contentType) else {
            throw ErrorForm(
                status: 415,
                text: "Expecting 'Content-Type' of application/json or application/x-protobuf")
        }
        return type
    }

    /// The answer's form: JSON wherever the client takes it, also without the header.
    package static func ofResponse(accept: String?) throws(ErrorForm) -> MediaType {
        guard let accept, accept != MediaType.json.rawValue else { return .json }
        for type in [MediaType.json, .protobuf] where isAccepted(type, by: accept) { return type }
        throw ErrorForm(
            status: 406,
            text: "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
    }

    /// Whether the header names the type, or a pattern that matches it, without `q=0`.
    private static func isAccepted(_ type: MediaType, by accept: String) -> Bool {
        accept.split(separator: ",").contains { item in
            let parts = item.split(separator: ";").map { part in
                part.filter { $0 != " " && $0 != "\t" }.lowercased()
            }
            guard let pattern = parts.first,
                [type.rawValue, "application/*", "*/*"].contains(pattern)
            else { return false }
            return !parts.dropFirst().contains { part in
                part.hasPrefix("q=") && Double(part.dropFirst(2)) == 0
            }
        }
    }

    /// Reads a request's body; `invalid` with Mesos's words.
    package func decode<Body: Message>(
        _ type: Body.Type, from bytes: [UInt8]
    ) throws(Refusal) -> Body {
        switch self {
        case .json: return try MesosJSON.decode(type, from: bytes)
        case .protobuf:
            do { return try Body(serializedBytes: bytes) } catch {
                throw Refusal(
                    .invalid, "Failed to parse body into \(MesosJSON.name(of: type)) protobuf")
            }
        }
    }

    /// Writes an answer's body or an event's record.
    package func encode(_ message: some Message) -> [UInt8] {
        switch self {
        case .json: return MesosJSON.encode(message)
        case .protobuf: return (try? message.serializedBytes(partial: true)) ?? []
        }
    }
}
