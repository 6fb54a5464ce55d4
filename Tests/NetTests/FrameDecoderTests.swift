import NIOCore
import Testing

@testable import Net

@Suite struct FrameDecoderTests {
    private let frames = [
        RPCFrame(kind: 1, payload: []), RPCFrame(kind: 255, payload: [1, 2, 3]),
        RPCFrame(kind: 7, payload: [UInt8](repeating: 9, count: 300)),
    ]

    /// Feeds the bytes in pieces and returns what came out.
    private func decode(_ bytes: [UInt8], pieces: Int) throws -> [RPCFrame] {
        var decoder = FrameDecoder()
        var decoded: [RPCFrame] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + pieces, bytes.count)
            decoder.append(ByteBuffer(bytes: bytes[start..<end]))
            start = end
            try decoder.greet()
            guard decoder.isGreeted else { continue }
            while let frame = try decoder.next() { decoded.append(frame) }
        }
        return decoded
    }

    @Test func framesSurviveAnyCut() throws {
        let bytes =
            Array(Greeting.encoded().readableBytesView)
            + Array(FrameDecoder.encode(frames).readableBytesView)
        for pieces in 1...bytes.count {
            #expect(try decode(bytes, pieces: pieces) == frames)
        }
    }

    @Test func wrongBeginningIsRefusedAtItsFirstByte() throws {
        let refusals: [([UInt8], RPCDisconnection)] = [
            (Array("G".utf8), .notHoldfast), (Array("HOLDFASX".utf8), .notHoldfast),
            (Greeting.magic + [0, 9] + [UInt8](repeating: 0, count: 6), .unsupportedVersion(9)),
        ]
        for (bytes, expected) in refusals {
            #expect {
                _ = try decode(bytes, pieces: 100)
            } throws: { error in
                (error as? RPCRefusal)?.disconnection == expected
            }
        }
    }

    @Test func impossibleLengthsAreRefusedBeforeTheirBytesCome() throws {
        let greeting = Array(Greeting.encoded().readableBytesView)
        for (length, expected) in [
            (0, RPCDisconnection.notHoldfast),
            (RPCFrame.payloadLimit + 2, .frameTooLarge(bytes: RPCFrame.payloadLimit + 1)),
            (0xFFFF_FFFF, .frameTooLarge(bytes: 0xFFFF_FFFE)),
        ] {
            var buffer = ByteBuffer(bytes: greeting)
            buffer.writeInteger(UInt32(length))
            #expect {
                _ = try decode(Array(buffer.readableBytesView), pieces: 100)
            } throws: { error in
                (error as? RPCRefusal)?.disconnection == expected
            }
        }
    }
}
