import ArgumentParser

/// A time span as Mesos's options write it: `15secs`, `10mins`, `1weeks`; also `30s` and `5m`.
struct DurationOption: ExpressibleByArgument {
    let milliseconds: Int64

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    init?(argument: String) {
        let units: [(String, Double)] = [
            ("weeks", 604_800_000), ("days", 86_400_000), ("hrs", 3_600_000), ("mins", 60_000),
            ("secs", 1000), ("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
        ]
        for (unit, factor) in units where argument.hasSuffix(unit) {
            guard let value = Double(argument.dropLast(unit.count)), value >= 0, value < 1e9 else {
                return nil
            }
            milliseconds = Int64(value * factor)
            return
        }
        return nil
    }

    var defaultValueDescription: String { "\(Double(milliseconds) / 1000)secs" }
}
