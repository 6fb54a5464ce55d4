import Dispatch
import Foundation
package import MachineCore

/// The time of a process: the wall clock read once at the start, advanced by the monotonic clock,
/// so that a jump of the wall clock moves no timeout.
package struct ProcessClock: Sendable {
    private let startWall: Int64
    private let startMonotonic: UInt64

    package init() {
        startWall = Int64(Date().timeIntervalSince1970 * 1e9)
        startMonotonic = DispatchTime.now().uptimeNanoseconds
    }

    package var now: Instant {
        let elapsed = DispatchTime.now().uptimeNanoseconds - startMonotonic
        return Instant(nanoseconds: startWall + Int64(elapsed))
    }
}

/// Fresh entropy for a machine's generator.
package func freshEntropy() -> [UInt64] {
    var source = SystemRandomNumberGenerator()
    return (0..<4).map { _ in source.next() }
}
