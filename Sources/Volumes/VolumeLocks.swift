internal import Synchronization

/// One thread at a time for one data path; different paths seldom wait for each other.
struct VolumeLocks: Sendable {
    private final class Stripe: Sendable {
        let mutex = Mutex(())
    }

    private let stripes = (0..<256).map { _ in Stripe() }

    func withLock<Result: Sendable>(
        _ path: String, _ body: () throws(VolumeError) -> Result
    ) throws(VolumeError) -> Result {
        let number = Int(UInt(bitPattern: path.hashValue) % UInt(stripes.count))
        return try stripes[number].mutex.withLock { _ throws(VolumeError) -> Result in
            try body()
        }
    }
}
