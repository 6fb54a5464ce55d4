/// How far apart the points of a history are, in seconds, and how many of them are kept.
package enum UsageStep: Int, Hashable, Sendable, CaseIterable {
    case minute = 60
    case hour = 3600
    case day = 86_400

    /// A day of minutes, a month of hours, two years of days.
    package var capacity: Int {
        switch self {
        case .minute: 1440
        case .hour: 720
        case .day: 730
        }
    }

    /// The start of the step that a moment lies in.
    package func start(_ time: Int64) -> Int64 {
        let length = Int64(rawValue)
        let rest = time % length
        return time - (rest < 0 ? rest + length : rest)
    }

    package var coarser: UsageStep? {
        switch self {
        case .minute: .hour
        case .hour: .day
        case .day: nil
        }
    }
}

/// What was seen of a volume in one step.
package struct UsagePoint: Hashable, Sendable {
    /// The step's start, in seconds since 1970.
    package var time: Int64
    package var lastBytes: Int64
    package var minBytes: Int64
    package var maxBytes: Int64
    package var limitBytes: Int64
    package var usedInodes: Int64?

    package init(
        time: Int64, lastBytes: Int64, minBytes: Int64? = nil, maxBytes: Int64? = nil,
        limitBytes: Int64, usedInodes: Int64? = nil
    ) {
        self.time = time
        self.lastBytes = lastBytes
        self.minBytes = minBytes ?? lastBytes
        self.maxBytes = maxBytes ?? lastBytes
        self.limitBytes = limitBytes
        self.usedInodes = usedInodes
    }

    /// Takes in what was seen later in the same step.
    package mutating func merge(_ later: UsagePoint) {
        lastBytes = later.lastBytes
        minBytes = min(minBytes, later.minBytes)
        maxBytes = max(maxBytes, later.maxBytes)
        limitBytes = later.limitBytes
        usedInodes = later.usedInodes
    }
}

/// Gathers samples into points of a minute, an hour and a day; whoever has it stores what is
/// complete.
///
/// The clock may jump: a step that is entered again begins anew, and what lies in the future is
/// left out of every answer until its time has come or it is overwritten.
package struct UsageRollup: Hashable, Sendable {
    /// A point that is complete, and belongs into the store.
    package struct Write: Hashable, Sendable {
        package let step: UsageStep
        package let point: UsagePoint

        package init(step: UsageStep, point: UsagePoint) {
            self.step = step
            self.point = point
        }
    }

    private var minute: UsagePoint?
    private var hour: UsagePoint?
    private var day: UsagePoint?

    package init() {}

    /// Goes on after a restart with what was stored. `missing` are the points that were complete by
    /// `now` and not stored, because nobody ran when their time was over.
    package init(
        minutes: [UsagePoint], hours: [UsagePoint], days: [UsagePoint], now: Int64,
        missing: inout [Write]
    ) {
        let rebuiltHours = Self.rebuilt(.hour, from: minutes, besides: hours, now, &missing)
        hour = rebuiltHours.open
        let rebuiltDays = Self.rebuilt(
            .day, from: hours + rebuiltHours.complete, besides: days, now, &missing)
        day = rebuiltDays.open
    }

    /// The points of a step that follow from finer ones.
    private static func rebuilt(
        _ step: UsageStep, from finer: [UsagePoint], besides stored: [UsagePoint], _ now: Int64,
        _ missing: inout [Write]
    ) -> (complete: [UsagePoint], open: UsagePoint?) {
        let current = step.start(now)
        let known = Set(stored.map(\.time))
        var complete: [UsagePoint] = []
        var open: UsagePoint?
        var last: UsagePoint?
        let finish = { (point: UsagePoint?) in
            guard let point, !known.contains(point.time) else { return }
            complete.append(point)
        }
        for point in finer.sorted(by: { $0.time < $1.time }) where point.time <= now {
            let start = step.start(point.time)
            if last?.time == start {
                last?.merge(point)
            } else {
                finish(last)
                last = point
                last?.time = start
            }
        }
        if last?.time == current { open = last } else { finish(last) }
        missing += complete.map { Write(step: step, point: $0) }
        return (complete, open)
    }

    /// Takes a sample in; what is complete by it.
    package mutating func add(_ sample: UsagePoint) -> [Write] {
        var writes: [Write] = []
        add(sample, .minute, &writes)
        return writes
    }

    private mutating func add(
        _ sample: UsagePoint, _ step: UsageStep, _ writes: inout [Write]
    ) {
        let start = step.start(sample.time)
        if self[step]?.time == start {
            self[step]?.merge(sample)
            return
        }
        let complete = self[step]
        self[step] = sample
        self[step]?.time = start
        guard let complete else { return }
        writes.append(Write(step: step, point: complete))
        if let coarser = step.coarser { add(complete, coarser, &writes) }
    }

    /// The points that are not complete yet.
    package subscript(step: UsageStep) -> UsagePoint? {
        get {
            switch step {
            case .minute: minute
            case .hour: hour
            case .day: day
            }
        }
        set {
            switch step {
            case .minute: minute = newValue
            case .hour: hour = newValue
            case .day: day = newValue
            }
        }
    }

    /// What a reader is shown of a step: what was stored, as far as it lies in the time that is
    /// kept, and what is not complete yet; the oldest first.
    package func series(
        _ step: UsageStep, stored: [UsagePoint], now: Int64
    ) -> [UsagePoint] {
        let oldest = now - Int64(step.capacity * step.rawValue)
        var open = self[step]
        // A finer step that is not complete is part of this one.
        for finer in UsageStep.allCases.reversed() where finer.rawValue < step.rawValue {
            guard let part = self[finer] else { continue }
            let start = step.start(part.time)
            if open?.time == start {
                open?.merge(part)
            } else if open.map({ $0.time < start }) ?? true {
                open = part
                open?.time = start
            }
        }
        var points = stored.filter {
            $0.time > oldest && $0.time <= now && $0.time != open?.time
        }
        if let open, open.time <= now { points.append(open) }
        return points.sorted { $0.time < $1.time }
    }
}
