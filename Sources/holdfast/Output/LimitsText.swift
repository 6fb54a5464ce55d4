import Daemons
import MesosAPI
import Model
import Wire

/// A volume's limits on the command line: `write_bytes=10MiB,inodes=1000`.
func parsedLimits(_ text: String) throws -> Mesos_V1_Resource.DiskInfo.Limits {
    do throws(Refusal) { return .init(try LimitText.parse(text)) } catch {
        throw CommandFailure("--limits: \(error.message)")
    }
}

/// `write 10.0 MiB/s, 1000 inodes`.
func limitsText(_ message: Mesos_V1_Resource.DiskInfo.Limits) -> String {
    let limits = VolumeLimits(message)
    let bytes = { (count: Int64) in sizeText(bytes: Double(count)) + "/s" }
    return [
        limits.rates.readBytes.map { "read \(bytes($0))" },
        limits.rates.writtenBytes.map { "write \(bytes($0))" },
        limits.rates.reads.map { "\($0) reads/s" }, limits.rates.writes.map { "\($0) writes/s" },
        limits.inodes.map { "\($0) inodes" },
    ].compactMap(\.self).joined(separator: ", ")
}
