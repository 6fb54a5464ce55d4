package import MesosAPI
package import Model
package import SwiftProtobuf

/// An entry of a long list, and its one field that is a resource, which is not in the message.
package struct ListEntry<Entry: Message> {
    let entry: Entry
    let resource: (number: Int, resource: Resource)?

    package init(_ entry: Entry, resource: (number: Int, resource: Resource)? = nil) {
        self.entry = entry
        self.resource = resource
    }

    /// The fields of the entry.
    fileprivate var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writer.append(MediaType.protobuf.encode(entry))
        if let resource {
            writer.message(resource.number) { $0.resource(resource.resource) }
        }
        return writer.bytes
    }
}

/// An operator's answer whose one list may have a hundred thousand entries. Parts of it are encoded
/// for themselves, beside each other where there are threads: a message in a message is measured
/// again at each level by the library, and JSON is written from wire form.
package struct LongList: Sendable {
    private let head: Mesos_V1_Master_Response
    private let answer: (number: Int, name: String)
    private let list: (number: Int, name: String)

    /// Field number and JSON name of the answer in the response, and of the list in the answer.
    package init(
        _ type: Mesos_V1_Master_Response.TypeEnum, answer: (number: Int, name: String),
        list: (number: Int, name: String)
    ) {
        var head = Mesos_V1_Master_Response()
        head.type = type
        self.head = head
        self.answer = answer
        self.list = list
    }

    /// Some entries, to be put together in their order.
    package func encode<Entry: Message>(
        _ entries: some Sequence<ListEntry<Entry>>, as media: MediaType
    ) -> [UInt8] {
        var writer = ProtobufWriter()
        var json: [UInt8] = []
        for entry in entries {
            switch media {
            case .protobuf:
                writer.tag(list.number, .delimited)
                writer.delimited(entry.bytes)
            case .json:
                if !json.isEmpty { json.append(UInt8(ascii: ",")) }
                json += MesosJSON.encode(serialized: entry.bytes, as: Entry.self) ?? []
            }
        }
        return media == .protobuf ? writer.bytes : json
    }

    /// The response with all parts.
    package func response(of parts: [[UInt8]], as media: MediaType) -> [UInt8] {
        let size = parts.reduce(0) { $0 + $1.count }
        switch media {
        case .protobuf:
            var writer = ProtobufWriter()
            writer.append(media.encode(head), capacity: size + 32)
            writer.tag(answer.number, .delimited)
            writer.varint(UInt64(size))
            for part in parts { writer.append(part) }
            return writer.bytes
        case .json:
            var text = media.encode(head)
            text.reserveCapacity(size + 64)
            text.removeLast()
            text += Array(",\"\(answer.name)\":{\"\(list.name)\":[".utf8)
            var isFirst = true
            for part in parts where !part.isEmpty {
                if !isFirst { text.append(UInt8(ascii: ",")) }
                isFirst = false
                text += part
            }
            return text + Array("]}}".utf8)
        }
    }
}
