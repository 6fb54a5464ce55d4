// Either side of a connection first sends its greeting, 16 bytes:
//
//     magic "HOLDFAST" 8 | version 2 | zeros 6
//
// and then frames, numbers big-endian:
//
//     bytes that follow 4 | kind 1 | payload

import NIOCore

/// The beginning of each direction of a connection.
enum Greeting {
    static let magic = Array("HOLDFAST".utf8)
    static let version: UInt16 = 1
    static let size = 16

    static func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeBytes(magic)
        buffer.writeInteger(version)
        buffer.writeRepeatingByte(0, count: size - buffer.readableBytes)
        return buffer
    }
}

/// Bytes as they come in, to frames.
struct FrameDecoder {
    static let headerBytes = 5

    private var buffer = ByteBuffer()
    private(set) var isGreeted = false

    mutating func append(_ bytes: ByteBuffer) {
        var bytes = bytes
        if buffer.readableBytes == 0 { buffer = bytes } else { buffer.writeBuffer(&bytes) }
    }

    /// Takes the greeting once it is complete.
    mutating func greet() throws(RPCRefusal) {
        if isGreeted { return }
        let known = min(buffer.readableBytes, Greeting.magic.count)
        guard buffer.readableBytesView.prefix(known).elementsEqual(Greeting.magic.prefix(known))
        else { throw RPCRefusal(.notHoldfast) }
        guard var greeting = buffer.readSlice(length: Greeting.size) else { return }
        greeting.moveReaderIndex(forwardBy: Greeting.magic.count)
        let version = greeting.readInteger(as: UInt16.self) ?? 0
        guard version == Greeting.version else { throw RPCRefusal(.unsupportedVersion(version)) }
        isGreeted = true
    }

    /// The next frame; nil: it has not come whole yet.
    mutating func next() throws(RPCRefusal) -> RPCFrame? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else {
            return nil
        }
        let count = Int(length)
        if count < 1 { throw RPCRefusal(.notHoldfast) }
        if count - 1 > RPCFrame.payloadLimit { throw RPCRefusal(.frameTooLarge(bytes: count - 1)) }
        guard buffer.readableBytes >= 4 + count else {
            buffer.discardReadBytes()
            buffer.reserveCapacity(
                minimumWritableBytes: min(4 + count - buffer.readableBytes, 1 << 20))
            return nil
        }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let kind = buffer.readInteger(as: UInt8.self),
            let payload = buffer.readBytes(length: count - 1)
        else { return nil }
        return RPCFrame(kind: kind, payload: payload)
    }

    /// All frames in one buffer, for one write.
    static func encode(_ frames: [RPCFrame]) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(frames.reduce(0) { $0 + headerBytes + $1.payload.count })
        for frame in frames {
            buffer.writeInteger(UInt32(1 + frame.payload.count))
            buffer.writeInteger(frame.kind)
            buffer.writeBytes(frame.payload)
        }
        return buffer
    }
}

/// The other side's bytes cannot be taken.
struct RPCRefusal: Error {
    let disconnection: RPCDisconnection

    init(_ disconnection: RPCDisconnection) { self.disconnection = disconnection }
}
