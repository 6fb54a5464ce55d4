/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), eight bytes a step.
package struct Checksum: Hashable, Sendable {
    private var state: UInt32 = ~0

    package init() {}

    /// The checksum of everything taken in so far.
    package var value: UInt32 { ~state }

    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update($0) }
        if done == nil { [UInt8](bytes).withUnsafeBufferPointer { update($0) } }
    }

    package mutating func update(_ word: UInt64) {
        withUnsafeBytes(of: word.littleEndian) { bytes in
            bytes.withMemoryRebound(to: UInt8.self) { update($0) }
        }
    }

    private mutating func update(_ bytes: UnsafeBufferPointer<UInt8>) {
        var crc = state
        tables.withUnsafeBufferPointer { table in
            let raw = UnsafeRawBufferPointer(bytes)
            var index = 0
            while index + 8 <= bytes.count {
                let loaded = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                let word = UInt64(littleEndian: loaded) ^ UInt64(crc)
                crc = 0
                for byte in 0..<8 {
                    let key = Int(truncatingIfNeeded: word >> UInt64(8 * byte)) & 0xFF
                    crc ^= table[(7 - byte) * 256 + key]
                }
                index += 8
            }
            while index < bytes.count {
                crc = (crc >> 8) ^ table[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
                index += 1
            }
        }
        state = crc
    }
}

/// Eight tables of 256: what a byte does to the sum when zero to seven more bytes follow it.
private let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
        var crc = UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F6_3B78 }
        tables[byte] = crc
    }
    for index in 256..<tables.count {
        let previous = tables[index - 256]
        tables[index] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
    }
    return tables
}()
