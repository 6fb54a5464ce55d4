import Foundation
package import Model
package import SwiftProtobuf

/// A value of the model that is stored or sent in a form of `HoldfastAPI`. What is written can be
/// read by this and every later version; what is read may come from a later one or be broken.
package protocol RecordCoded {
    associatedtype Form: Message

    var form: Form { get }

    /// Throws `invalid` with the field that is missing or has no meaning.
    init(_ form: Form) throws(Refusal)
}

extension RecordCoded {
    /// The bytes that `init(decoding:)` takes.
    package var encoded: [UInt8] {
        // Nothing of ours is required, and nothing comes near 2 GiB.
        (try? form.serializedBytes(partial: true)) ?? []
    }

    /// Throws `invalid` for bytes that are not of this form.
    package init(decoding bytes: [UInt8]) throws(Refusal) {
        let form: Form
        do { form = try Form(serializedBytes: bytes, partial: true) } catch {
            throw Refusal(.invalid, "not a \(Form.protoMessageName) in wire form")
        }
        try self.init(form)
    }
}

/// Reading what `HoldfastAPI` leaves optional.
enum Needed {
    /// The value if it is there.
    static func value<Value>(
        _ isThere: Bool, _ value: @autoclosure () -> Value, _ name: StaticString
    ) throws(Refusal) -> Value {
        guard isThere else { throw Refusal(.invalid, "'\(name)' is missing") }
        return value()
    }

    /// An id that is not empty.
    static func id<Tag>(
        _ value: String, _ name: StaticString
    ) throws(Refusal) -> Identifier<Tag> {
        guard !value.isEmpty else { throw Refusal(.invalid, "'\(name)' is missing") }
        return Identifier(value)
    }

    /// Reads each element; the first wrong one is told.
    static func list<Value: RecordCoded>(
        _ forms: [Value.Form], _ type: Value.Type = Value.self
    ) throws(Refusal) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(forms.count)
        for form in forms { values.append(try Value(form)) }
        return values
    }
}

extension Payload {
    var data: Data { Data(bytes) }

    init(_ data: Data) { self.init(Array(data)) }
}
