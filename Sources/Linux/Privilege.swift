internal import Glibc

/// What the kernel allows this process beyond its user id.
package enum Privilege {
    /// Numbers of capabilities in capability.h.
    package enum Capability: Int, Sendable {
        case sysAdmin = 21
        /// ext4 grows while mounted only with it, and its quota does not bind who has it.
        case sysResource = 24
    }

    /// Whether a capability is in effect; false where that can't be read.
    package static func has(_ capability: Capability) -> Bool {
        guard let text = try? KernelText.read("/proc/self/status"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let mask = UInt64(line.dropFirst("CapEff:".count).drop { $0.isWhitespace }, radix: 16)
        else { return false }
        return mask >> UInt64(capability.rawValue) & 1 == 1
    }

    package static var isRoot: Bool { geteuid() == 0 }
}
