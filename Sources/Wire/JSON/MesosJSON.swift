package import Model
package import SwiftProtobuf

/// Messages of the Mesos v1 API in Mesos's JSON: snake_case names, bare 64-bit integers, doubles
/// with a point, bytes as base64, declared defaults printed. A message of another package has no
/// schema and is a mistake of ours.
package enum MesosJSON {
    /// Reads a message; `invalid` with Mesos's words for whatever is wrong.
    package static func decode<Body: Message>(
        _ type: Body.Type, from json: [UInt8]
    ) throws(Refusal) -> Body {
        try message(type, try JSONToProtobuf.convert(json, as: schema(of: type), in: .mesos))
    }

    /// Reads an array of messages.
    package static func decode<Body: Message>(
        arrayOf type: Body.Type, from json: [UInt8]
    ) throws(Refusal) -> [Body] {
        var messages: [Body] = []
        for bytes in try JSONToProtobuf.convert(array: json, of: schema(of: type), in: .mesos) {
            messages.append(try message(type, bytes))
        }
        return messages
    }

    private static func message<Body: Message>(
        _ type: Body.Type, _ bytes: [UInt8]
    ) throws(Refusal) -> Body {
        do {
            // Required fields were checked with their paths.
            return try Body(serializedBytes: bytes, partial: true)
        } catch {
            throw Refusal(.invalid, "Failed to convert JSON into \(name(of: type)) protobuf")
        }
    }

    /// A message's JSON text.
    package static func encode(_ message: some Message) -> [UInt8] {
        guard let bytes: [UInt8] = try? message.serializedBytes(partial: true) else { return empty }
        return encode(serialized: bytes, as: type(of: message)) ?? empty
    }

    /// The JSON text of a message that is at hand in wire form only; nil when it is not in it.
    package static func encode<Body: Message>(
        serialized bytes: [UInt8], as type: Body.Type
    ) -> [UInt8]? {
        var conversion = ProtobufToJSON(bytes, in: .mesos)
        guard (try? conversion.convert(as: schema(of: type))) != nil else { return nil }
        return conversion.output
    }

    /// What a message of over 2 GiB becomes, which protobuf can't serialize.
    private static let empty = Array("{}".utf8)

    static func name<Body: Message>(of type: Body.Type) -> String {
        String(type.protoMessageName.split(separator: ".").last ?? "")
    }

    private static func schema<Body: Message>(of type: Body.Type) -> MessageSchema {
        guard let schema = Schema.mesos.message(type.protoMessageName) else {
            preconditionFailure("\(type.protoMessageName) is not of the Mesos API")
        }
        return schema
    }
}
