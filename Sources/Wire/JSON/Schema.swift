import MesosAPI
import SwiftProtobuf

/// All messages of the Mesos v1 API: what protobuf's generated code does not tell at run time
/// (declared defaults, required fields, the order of declaration).
struct Schema: Sendable {
    let messages: [MessageSchema]
    let enumerations: [EnumerationSchema]
    private let numbers: [String: Int]

    /// Made once, at the first use, from the descriptors that protoc wrote beside the Swift.
    static let mesos = Schema(descriptors: MesosDescriptors.base64)

    /// Lists that Mesos prints even when they are empty.
    private static let alwaysListed: Set<String> = [
        "mesos.v1.master.Response.GetAgents.agents",
        "mesos.v1.master.Response.GetAgents.recovered_agents",
        "mesos.v1.master.Response.GetFrameworks.frameworks",
        "mesos.v1.master.Response.GetFrameworks.completed_frameworks",
        "mesos.v1.master.Response.GetExecutors.executors",
        "mesos.v1.master.Response.GetTasks.tasks",
        "mesos.v1.master.Response.GetTasks.unreachable_tasks",
        "mesos.v1.master.Response.GetTasks.completed_tasks",
        "mesos.v1.master.Response.ListVolumes.volumes",
        "mesos.v1.agent.Response.GetFrameworks.frameworks",
        "mesos.v1.agent.Response.GetFrameworks.completed_frameworks",
        "mesos.v1.agent.Response.GetExecutors.executors",
        "mesos.v1.agent.Response.GetExecutors.completed_executors",
        "mesos.v1.agent.Response.GetTasks.pending_tasks",
        "mesos.v1.agent.Response.GetTasks.queued_tasks",
        "mesos.v1.agent.Response.GetTasks.launched_tasks",
        "mesos.v1.agent.Response.GetTasks.terminated_tasks",
        "mesos.v1.agent.Response.GetTasks.completed_tasks",
    ]

    /// Orders that Mesos has not, and that can take away what can't be given back.
    private static let strict: Set<String> = [
        "mesos.v1.LifecyclePolicy", "mesos.v1.DiskLimitRule",
        "mesos.v1.master.Call.SetLifecyclePolicy", "mesos.v1.master.Call.RemoveLifecyclePolicy",
        "mesos.v1.master.Call.UndeleteVolume", "mesos.v1.master.Call.ProtectVolume",
        "mesos.v1.master.Call.EraseVolume", "mesos.v1.master.Call.CollectGarbage",
        "mesos.v1.master.Call.ForgetVolume", "mesos.v1.master.Call.RenewLease",
        "mesos.v1.master.Call.Transact", "mesos.v1.master.Call.WhatIf",
    ]

    /// The message of this full name.
    func message(_ name: String) -> MessageSchema? { numbers[name].map { messages[$0] } }

    init(descriptors: StaticString) {
        let text = descriptors.withUTF8Buffer { Array($0) }
        guard let bytes = try? Base64.decode(text[...]),
            let set = try? Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        else { preconditionFailure("the embedded descriptors are broken") }

        var found = Found()
        for file in set.file {
            let prefix = file.package.isEmpty ? "" : file.package + "."
            for item in file.enumType { found.add(item, prefix) }
            for item in file.messageType { found.add(item, prefix) }
        }
        var numbers: [String: Int] = [:]
        for (index, item) in found.messages.enumerated() { numbers[item.name] = index }
        self.numbers = numbers
        enumerations = found.enumerations
        messages = found.messages.map { item in
            MessageSchema(
                name: item.name,
                fields: item.descriptor.field.map {
                    Schema.field($0, of: item.name, found, numbers)
                }, isStrict: Schema.strict.contains(item.name))
        }
    }

    /// What the first walk over the descriptors finds.
    private struct Found {
        var messages: [(name: String, descriptor: Google_Protobuf_DescriptorProto)] = []
        var maps: Set<String> = []
        var enumerations: [EnumerationSchema] = []
        var enumerationNumbers: [String: Int] = [:]

        mutating func add(_ item: Google_Protobuf_EnumDescriptorProto, _ prefix: String) {
            enumerationNumbers[prefix + item.name] = enumerations.count
            enumerations.append(EnumerationSchema(item.value.map { ($0.name, $0.number) }))
        }

        mutating func add(_ item: Google_Protobuf_DescriptorProto, _ prefix: String) {
            let name = prefix + item.name
            messages.append((name, item))
            if item.options.mapEntry { maps.insert(name) }
            for inner in item.enumType { add(inner, name + ".") }
            for inner in item.nestedType { add(inner, name + ".") }
        }
    }

    private static func field(
        _ item: Google_Protobuf_FieldDescriptorProto, of message: String, _ found: Found,
        _ numbers: [String: Int]
    ) -> FieldSchema {
        // Type names come with a leading dot.
        let type = String(item.typeName.dropFirst())
        let kind: FieldKind
        switch item.type {
        case .double: kind = .double
        case .int32: kind = .int32
        case .int64: kind = .int64
        case .uint32: kind = .uint32
        case .uint64: kind = .uint64
        case .bool: kind = .bool
        case .string: kind = .string
        case .bytes: kind = .bytes
        case .enum:
            guard let number = found.enumerationNumbers[type] else {
                preconditionFailure("\(type) is not among the descriptors")
            }
            kind = .enumeration(number)
        case .message:
            guard let number = numbers[type] else {
                preconditionFailure("\(type) is not among the descriptors")
            }
            kind = found.maps.contains(type) ? .map(number) : .message(number)
        case .float, .fixed32, .fixed64, .sfixed32, .sfixed64, .sint32, .sint64, .group:
            preconditionFailure("\(message).\(item.name) is of a type that Mesos does not use")
        }
        let isRepeated = item.label == .repeated
        var whenAbsent: String?
        if isRepeated {
            if alwaysListed.contains("\(message).\(item.name)") { whenAbsent = "[]" }
        } else if item.hasDefaultValue, item.label == .optional, !item.options.deprecated {
            whenAbsent = json(item.defaultValue, kind)
        }
        return FieldSchema(
            name: item.name, number: Int(item.number), kind: kind, isRepeated: isRepeated,
            isRequired: item.label == .required, jsonWhenAbsent: whenAbsent)
    }

    private static func json(_ value: String, _ kind: FieldKind) -> String {
        switch kind {
        case .double: value.contains(".") ? value : value + ".0"
        case .string, .bytes, .enumeration: "\"\(value)\""
        case .int32, .int64, .uint32, .uint64, .bool, .message, .map: value
        }
    }
}
