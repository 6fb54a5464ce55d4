internal import Linux
internal import Synchronization

/// Formatted file systems to copy from: making one costs a program run, copying it a few writes.
///
/// Only the pages that are not zero are kept, in a file in memory: 0.3 MB for 64 MiB of ext4.
package final class FormatTemplates: Sendable {
    /// Larger images are formatted in place: their templates would be large and seldom used twice.
    let largestBytes: Int64
    private static let countLimit = 8

    struct Key: Hashable, Sendable {
        let format: LoopFormat
        let bytes: Int64
        var inodes: Int64?
    }

    private struct Cache {
        var templates: [Key: FormatTemplate] = [:]
        /// Least recently used first.
        var order: [Key] = []
    }

    private let cache = Mutex(Cache())
    private let building = Mutex(())

    package init(largestBytes: Int64 = 64 << 30) { self.largestBytes = largestBytes }

    /// The template of a size, made in `directory` if it is not there yet.
    func template(_ key: Key, directory: String) throws(VolumeError) -> FormatTemplate {
        if let known = lookUp(key) { return known }
        return try building.withLock { _ throws(VolumeError) -> FormatTemplate in
            if let known = lookUp(key) { return known }
            let made = try FormatTemplate(key, directory: directory)
            cache.withLock { cache in
                cache.templates[key] = made
                cache.order.append(key)
                if cache.order.count > Self.countLimit {
                    cache.templates[cache.order.removeFirst()] = nil
                }
            }
            return made
        }
    }

    private func lookUp(_ key: Key) -> FormatTemplate? {
        cache.withLock { cache in
            guard let known = cache.templates[key] else { return nil }
            cache.order.removeAll { $0 == key }
            cache.order.append(key)
            return known
        }
    }
}

/// The pages of an empty file system that are not zero.
final class FormatTemplate: Sendable {
    /// Neighbouring pages: where they belong and where they are kept.
    private struct Run: Sendable {
        let offset: Int64
        let position: Int64
        var length: Int
    }

    private static let page = 4096
    private static let longestRun = 64 * 4096
    private static let name = "format template"

    private let pages: Descriptor
    private let runs: [Run]

    init(_ key: FormatTemplates.Key, directory: String) throws(VolumeError) {
        let path = "\(directory)/.template-\(key.format.rawValue)-\(key.bytes)"
        // A crash may have left one; mkfs must find zeros.
        try VolumeError.wrap { () throws(SystemError) in
            try Files.remove(path)
            try FileAllocation.setLength(
                try Descriptor.open(path, .createNew), bytes: key.bytes, path)
        }
        defer { _ = try? Files.remove(path) }
        let outcome = try VolumeError.wrap { () throws(SystemError) in
            try key.format.makeCommand(
                on: path, bytes: key.bytes, inodes: key.inodes
            ).run()
        }
        guard outcome.isSuccess else {
            throw .unsupported("mkfs of \(key.format.rawValue) failed: \(outcome.summary)")
        }
        // What this does once, each mount would else have to do.
        if key.format == .ext4 {
            _ = try? Command("debugfs", ["-w", "-R", "rmdir lost+found", path]).run()
        }
        pages = try VolumeError.wrap { () throws(SystemError) in
            try Descriptor.inMemory(Self.name)
        }
        runs = try Self.collect(path, into: pages)
    }

    /// Writes the file system into an image that reads as zeros.
    func write(to image: borrowing Descriptor, _ path: String) throws(SystemError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.longestRun, alignment: Self.page)
        defer { buffer.deallocate() }
        for run in runs {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<run.length])
            _ = try pages.read(into: part, at: run.position, Self.name)
            try image.write(UnsafeRawBufferPointer(part), at: run.offset, path)
        }
    }

    private static func collect(
        _ path: String, into pages: borrowing Descriptor
    ) throws(VolumeError) -> [Run] {
        do throws(SystemError) {
            let file = try Descriptor.open(path)
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: longestRun, alignment: page)
            defer { buffer.deallocate() }
            var runs: [Run] = []
            var position: Int64 = 0
            for range in try FileAllocation.dataRanges(file, path) {
                var offset = range.lowerBound
                while offset < range.upperBound {
                    let count = try file.read(into: buffer, at: offset, path)
                    if count == 0 { break }
                    for start in stride(from: 0, to: count, by: page) {
                        let bytes = UnsafeRawBufferPointer(
                            rebasing: buffer[start..<min(start + page, count)])
                        guard !isZero(bytes) else { continue }
                        try pages.write(bytes, at: position, name)
                        append(&runs, offset + Int64(start), position, bytes.count)
                        position += Int64(bytes.count)
                    }
                    offset += Int64(count)
                }
            }
            return runs
        } catch {
            throw .system(error)
        }
    }

    private static func append(
        _ runs: inout [Run], _ offset: Int64, _ position: Int64, _ length: Int
    ) {
        if let last = runs.last, last.offset + Int64(last.length) == offset,
            last.length + length <= longestRun
        {
            runs[runs.count - 1].length += length
        } else {
            runs.append(Run(offset: offset, position: position, length: length))
        }
    }

    private static func isZero(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if bytes.count == page {
            return bytes.bindMemory(to: UInt64.self).allSatisfy { $0 == 0 }
        }
        return bytes.allSatisfy { $0 == 0 }
    }
}
