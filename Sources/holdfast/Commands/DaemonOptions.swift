import ArgumentParser
import Foundation
import Logging

/// What all daemons share.
struct DaemonOptions: ParsableArguments {
    @Option(help: "Where to listen. Without authentication only the loopback is allowed.")
    var ip = "127.0.0.1"
    @Option(help: "The name under which this machine is known to others.")
    var hostname = "localhost"
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var loggingLevel = "info"
    @Flag(help: .hidden)
    var checkInvariants = false

    func validate() throws {
        guard ip == "127.0.0.1" || ip == "::1" else {
            throw ValidationError(
                "--ip \(ip): without authentication Holdfast listens on the loopback only; "
                    + "use 127.0.0.1")
        }
    }

    func logger(_ name: String) -> Logger {
        var logger = Logger(label: name) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = Logger.Level(rawValue: loggingLevel) ?? .info
        return logger
    }
}

/// The directory that a daemon keeps everything in; made where it is missing.
func madeDirectory(_ path: String) throws -> String {
    let absolute =
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    do {
        try FileManager.default.createDirectory(
            atPath: absolute, withIntermediateDirectories: true)
    } catch {
        throw CommandFailure("can't make --work-dir \(absolute): \(error.localizedDescription)")
    }
    return URL(filePath: absolute).resolvingSymlinksInPath().path
}

/// 0 is any port that is free.
func checkPort(_ port: Int, _ option: String) throws {
    guard (0...65_535).contains(port) else {
        throw ValidationError("\(option) \(port): a port is a number from 0 to 65535")
    }
}
