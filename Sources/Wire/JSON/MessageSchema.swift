/// What a field holds.
enum FieldKind: Hashable, Sendable {
    case double, int32, int64, uint32, uint64, bool, string, bytes
    /// The number of an enumeration in its `Schema`.
    case enumeration(Int)
    /// The number of a message in its `Schema`.
    case message(Int)
    /// A map from strings; the number of its entry's message, whose fields are key and value.
    case map(Int)
}

/// One field of a message, with what its JSON form needs.
final class FieldSchema: Sendable {
    let name: String
    let nameBytes: [UInt8]
    let number: Int
    let kind: FieldKind
    let isRepeated: Bool
    let isRequired: Bool
    /// `"name":` as it stands in the output.
    let jsonPrefix: [UInt8]
    /// What is printed when the field is absent: its declared default, or `[]`; nil: nothing.
    let jsonWhenAbsent: [UInt8]?

    init(
        name: String, number: Int, kind: FieldKind, isRepeated: Bool, isRequired: Bool,
        jsonWhenAbsent: String?
    ) {
        self.name = name
        self.nameBytes = Array(name.utf8)
        self.number = number
        self.kind = kind
        self.isRepeated = isRepeated
        self.isRequired = isRequired
        self.jsonPrefix = Array("\"\(name)\":".utf8)
        self.jsonWhenAbsent = jsonWhenAbsent.map { Array($0.utf8) }
    }
}

/// The fields of a message in the order of its declaration, found by name or number.
final class MessageSchema: Sendable {
    /// As in the proto: `mesos.v1.TaskInfo`.
    let name: String
    let fields: [FieldSchema]
    /// Bit n: field n must be present.
    let required: UInt64
    /// Bit n: field n is printed even when it is absent.
    let printedWhenAbsent: UInt64
    /// Unknown fields and names are refused: a slip of the pen must not become another order. What
    /// Mesos has too takes them as Mesos does.
    let isStrict: Bool
    private let numbers: [UInt8]
    private let buckets: [[UInt8]]

    /// More fields than this would not fit the masks; the largest message of Mesos has 53.
    static let fieldLimit = 64
    private static let none = UInt8.max

    init(name: String, fields: [FieldSchema], isStrict: Bool = false) {
        self.isStrict = isStrict
        precondition(fields.count <= MessageSchema.fieldLimit, "\(name) has too many fields")
        self.name = name
        self.fields = fields
        var numbers = [UInt8](
            repeating: MessageSchema.none, count: (fields.map(\.number).max() ?? 0) + 1)
        var buckets = [[UInt8]](repeating: [], count: 32)
        var required: UInt64 = 0
        var printed: UInt64 = 0
        for (index, field) in fields.enumerated() {
            numbers[field.number] = UInt8(index)
            buckets[MessageSchema.bucket(field.nameBytes[...])].append(UInt8(index))
            if field.isRequired { required |= 1 << UInt64(index) }
            if field.jsonWhenAbsent != nil { printed |= 1 << UInt64(index) }
        }
        self.numbers = numbers
        self.buckets = buckets
        self.required = required
        self.printedWhenAbsent = printed
    }

    private static func bucket(_ name: ArraySlice<UInt8>) -> Int {
        guard let first = name.first, let last = name.last else { return 0 }
        return (name.count &+ Int(first) &* 3 &+ Int(last) &* 5) & 31
    }

    /// The index of the field with this number.
    func index(number: Int) -> Int? {
        guard number < numbers.count, numbers[number] != MessageSchema.none else { return nil }
        return Int(numbers[number])
    }

    /// The index of the field with this name.
    func index(name: ArraySlice<UInt8>) -> Int? {
        for candidate in buckets[MessageSchema.bucket(name)]
        where fields[Int(candidate)].nameBytes.elementsEqual(name) {
            return Int(candidate)
        }
        return nil
    }
}

/// The names and numbers of an enumeration.
final class EnumerationSchema: Sendable {
    private let numbers: [String: Int32]
    private let quoted: [Int32: [UInt8]]

    init(_ values: [(name: String, number: Int32)]) {
        numbers = Dictionary(values.map { ($0.name, $0.number) }) { first, _ in first }
        quoted = Dictionary(values.map { ($0.number, Array("\"\($0.name)\"".utf8)) }) { first, _ in
            first
        }
    }

    func number(_ name: String) -> Int32? { numbers[name] }

    /// The name in quotation marks.
    func json(_ number: Int32) -> [UInt8]? { quoted[number] }
}
