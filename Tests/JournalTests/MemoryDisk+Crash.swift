import Journal
import Synchronization

/// A small generator whose run is told by its seed.
struct Dice {
    private var state: UInt64

    init(seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }

    mutating func roll(_ sides: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(sides))
    }
}

extension MemoryDisk {
    /// The disk after kill -9: the kernel still has everything.
    func afterKill() -> MemoryDisk {
        let state = state.withLock { state in
            var copy = state
            copy.isCrashed = false
            copy.plan = nil
            copy.steps = 0
            return copy
        }
        return MemoryDisk(state)
    }

    /// The disk after a power failure: of what was not made durable, any part may be there, down to
    /// single sectors of a write.
    func afterPowerFailure(seed: UInt64) -> MemoryDisk {
        var dice = Dice(seed: seed)
        var after = State()
        state.withLock { state in
            let candidates = [state.durableNames] + state.nameHistory
            after.names = candidates[dice.roll(candidates.count)]
            after.durableNames = after.names
            after.files = state.files.map { file in
                var bytes = file.durable
                for change in file.pending { Self.apply(change, to: &bytes, &dice) }
                return Contents(durable: bytes, current: bytes)
            }
        }
        return MemoryDisk(after)
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8], _ dice: inout Dice) {
        let sectorBytes = 64
        switch change {
        case .length:
            if dice.roll(2) == 0 { bytes.apply(change) }
        case .write(let offset, let content):
            var start = 0
            while start < content.count {
                let end = min(start + sectorBytes, content.count)
                if dice.roll(3) > 0 {
                    bytes.apply(.write(offset: offset + start, Array(content[start..<end])))
                }
                start = end
            }
        }
    }

    /// Changes one byte of a stored file, as a failing disk does.
    func flip(_ name: String, at offset: Int) {
        state.withLock { state in
            guard let index = state.names[name] else { return }
            state.files[index].current[offset] ^= 0x55
            state.files[index].durable = state.files[index].current
        }
    }
}
