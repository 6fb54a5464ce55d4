package import Model

/// Mesos's framing of events: each record's length in decimal, a line feed, the record.
package enum RecordIO {
    /// Largest record that is taken from a peer, in bytes.
    package static let largestRecord = 64 * 1024 * 1024

    package static func encode(_ record: [UInt8]) -> [UInt8] {
        var output = Array(String(record.count).utf8)
        output.append(0x0A)
        output += record
        return output
    }

    /// Cuts a stream, which comes in pieces of any size, into records. A refusal is final.
    package struct Decoder: Sendable {
        private let limit: Int
        private var length = 0
        private var digits = 0
        /// Nil: the length is being read.
        private var record: [UInt8]?

        package init(limit: Int = RecordIO.largestRecord) { self.limit = limit }

        /// Whether the stream may end here.
        package var isBetweenRecords: Bool { record == nil && digits == 0 }

        /// The records that this piece completes.
        package mutating func append(
            _ piece: some Collection<UInt8>
        ) throws(Refusal) -> [[UInt8]] {
            var records: [[UInt8]] = []
            var rest = piece[...]
            while let byte = rest.first {
                if record == nil {
                    rest = rest.dropFirst()
                    try readLength(byte)
                } else if var begun = record {
                    record = nil
                    let taken = rest.prefix(length - begun.count)
                    begun += taken
                    rest = rest.dropFirst(taken.count)
                    record = begun
                }
                if let whole = record, whole.count == length {
                    records.append(whole)
                    record = nil
                    length = 0
                    digits = 0
                }
            }
            return records
        }

        private mutating func readLength(_ byte: UInt8) throws(Refusal) {
            if byte == 0x0A, digits > 0 {
                record = []
                return
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else {
                throw Refusal(.invalid, "Failed to decode record: its length is not a number")
            }
            digits += 1
            length = length * 10 + Int(byte - UInt8(ascii: "0"))
            guard length <= limit, digits <= 19 else {
                throw Refusal(.tooLarge, "Failed to decode record: longer than \(limit) bytes")
            }
        }
    }
}
