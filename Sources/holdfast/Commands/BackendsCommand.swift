import ArgumentParser
import Foundation
import Linux
import Volumes

/// `disks backends DIRECTORY`: what an agent could keep its volumes by there, found by trying.
struct BackendsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backends",
        abstract: "Try every volume backend in a directory of this machine, as root.")
    @Argument(help: "A directory on the file system that is to hold volumes.")
    var directory: String
    @Option(help: "GROUP/POOL: also try LVM's thin volumes there.")
    var thinPool: String?
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let pool = try thinPool.map { text in
            guard let pool = ThinPool(text) else {
                throw CommandFailure("--thin-pool \(text): write it as GROUP/POOL")
            }
            return pool
        }
        let place = URL(filePath: directory).resolvingSymlinksInPath().path
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: place, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { throw CommandFailure("\(directory) is no directory") }
        var table = Table([
            ("backend", "BACKEND"), ("usable", "USABLE"), ("limit_by", "LIMIT BY"),
            ("counts_inodes", "INODES"), ("grows_while_mounted", "GROWS"), ("shrinks", "SHRINKS"),
            ("snapshots", "SNAPSHOTS"), ("usage", "USAGE"), ("reason", "WHY NOT"),
        ])
        do throws(VolumeError) {
            for (kind, reason) in try BackendSelector.tryAll(in: place, thinPool: pool) {
                let can = kind.capabilities
                table.add([
                    .text(kind.rawValue), .flag(reason == nil), .text(can.limit.rawValue),
                    .flag(can.countsInodes), .flag(can.growsWhileMounted), .flag(can.shrinks),
                    .flag(can.snapshots), .text(can.usageCost.rawValue),
                    reason.map { .text($0) } ?? .missing,
                ])
            }
        } catch {
            throw CommandFailure("trying in \(place): \(error)")
        }
        table.print(asJSON: json)
    }
}
