internal import CZlib

/// Bodies in gzip's form, each whole in memory.
enum Gzip {
    /// Why a body can't be unpacked.
    enum Failure: Error, Hashable {
        case malformed
        /// More than the caller's limit comes out of it.
        case tooLarge
    }

    /// 32 KiB of history, and gzip's header instead of zlib's.
    private static let windowBits: Int32 = 15 + 16
    private static let chunkBytes = 64 << 10

    /// Nil where there is no memory for it.
    static func pack(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        let code = deflateInit2_(
            &stream, 1, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        let bound = Int(deflateBound(&stream, UInt(input.count)))
        return input.withUnsafeMutableBufferPointer { source in
            [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(clamping: source.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(clamping: output.count)
                count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            }
        }
    }

    /// All members of a gzip body; at most `limit` bytes come out.
    static func unpack(_ bytes: [UInt8], limit: Int) throws(Failure) -> [UInt8] {
        var stream = z_stream()
        let code = inflateInit2_(
            &stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else { throw .tooLarge }
        defer { inflateEnd(&stream) }
        var input = bytes
        var output: [UInt8] = []
        var failure: Failure?
        input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(clamping: source.count)
            failure = inflateAll(&stream, into: &output, limit: limit)
        }
        if let failure { throw failure }
        return output
    }

    private static func inflateAll(
        _ stream: inout z_stream, into output: inout [UInt8], limit: Int
    ) -> Failure? {
        while true {
            var code = Z_OK
            output += [UInt8](unsafeUninitializedCapacity: chunkBytes) { chunk, count in
                stream.next_out = chunk.baseAddress
                stream.avail_out = UInt32(chunkBytes)
                code = inflate(&stream, Z_NO_FLUSH)
                count = chunkBytes - Int(stream.avail_out)
            }
            if output.count > limit { return .tooLarge }
            switch code {
            case Z_OK: continue
            case Z_STREAM_END:
                if stream.avail_in == 0 { return nil }
                // Another member follows.
                guard inflateReset(&stream) == Z_OK else { return .malformed }
            default: return .malformed
            }
        }
    }

    /// Whether the items of an Accept-Encoding name gzip, or `*`, without `q=0`.
    static func isAccepted(by items: [Substring]) -> Bool {
        var isAny = false
        for item in items {
            let parts = item.split(separator: ";").map { part in
                part.filter { $0 != " " && $0 != "\t" }.lowercased()
            }
            let isRefused = parts.dropFirst().contains { part in
                part.hasPrefix("q=") && Double(part.dropFirst(2)) == 0
            }
            switch parts.first {
            case "gzip", "x-gzip": return !isRefused
            case "*": isAny = !isRefused
            default: break
            }
        }
        return isAny
    }
}
