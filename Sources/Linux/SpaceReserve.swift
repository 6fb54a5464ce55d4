/// A file that only holds disk space, to be given back when nothing else is left.
///
/// Belongs to one thread.
package struct SpaceReserve {
    private let path: String
    package let bytes: Int64
    /// Whether the space is held, as far as the file system can hold any.
    package private(set) var isHeld = false

    package init(path: String, bytes: Int64) {
        self.path = path
        self.bytes = bytes
    }

    /// Takes the space where as much again is left besides; what a former process held stays held.
    /// `isHeld` tells whether there was enough.
    package mutating func take() throws(SystemError) {
        do throws(SystemError) {
            try allocate()
        } catch {
            guard error.isNoSpace else { throw error }
            try give()
        }
    }

    private mutating func allocate() throws(SystemError) {
        if bytes == 0 { return isHeld = true }
        let file = try Descriptor.open(path, .create)
        isHeld = try FileStatus.of(file, path).size >= bytes
        if isHeld { return }
        let space = try DiskSpace.of(path)
        guard space.availableBytes >= 2 * bytes else { return try give() }
        do throws(SystemError) {
            try FileAllocation.reserve(file, bytes: bytes, path)
        } catch {
            guard error.isUnsupported else { throw error }
        }
        isHeld = true
    }

    /// Gives the space back to whoever writes next.
    package mutating func give() throws(SystemError) {
        isHeld = false
        try Files.remove(path)
    }
}
