import Daemons
import Foundation
import Linux
import Model

/// What `--resources` says of disks, held against the disks that are there. A disk that is not
/// mounted would put its volumes on the file system below its mount point.
struct AgentDisks {
    let resources: Resources
    let workDirectory: String
    /// Of disks that name none themselves.
    let thinPool: ThinPool?
    let allowsOvercommit: Bool

    /// Throws what is wrong with the first disk that is not as named.
    func check() throws {
        let mounts = try MountTable.current()
        var named: [DeviceNumber: (place: String, amount: Amount)] = [:]
        var pools: [ThinPool: Amount] = [:]
        for resource in resources where resource.name == "disk" {
            if let pool = try pool(of: resource) {
                _ = try directory(of: resource, mounts)
                pools[pool, default: .zero] += resource.amount
                continue
            }
            guard let place = try directory(of: resource, mounts) else { continue }
            guard let device = mounts.containing(place)?.device else { continue }
            named[device, default: (place, .zero)].amount += resource.amount
        }
        guard !allowsOvercommit else { return }
        try check(pools)
        for (place, amount) in named.values.sorted(by: { $0.place < $1.place }) {
            let there = Double(try DiskSpace.of(place).totalBytes) / 1_048_576
            guard amount.value > there else { continue }
            throw CommandFailure(
                "--resources names \(amount.text) MiB of disk, but the file system of "
                    + "\(place) has \(Int(there)) MiB in all: name less, or give --overcommit")
        }
    }

    private func pool(of resource: Resource) throws -> ThinPool? {
        guard let source = resource.disk?.source else { return thinPool }
        do throws(Refusal) {
            return try ThinPool(of: source) ?? (source.kind == .path ? thinPool : nil)
        } catch {
            throw CommandFailure("--resources: \(error.message)")
        }
    }

    /// A pool has room for all its volumes when each of them fills.
    private func check(_ pools: [ThinPool: Amount]) throws {
        for (pool, amount) in pools.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            guard let state = try pool.state() else {
                throw CommandFailure("there is no thin pool \(pool): lvcreate -T \(pool) makes one")
            }
            let there = Double(state.bytes) / 1_048_576
            guard amount.value > there else { continue }
            throw CommandFailure(
                "--resources names \(amount.text) MiB of disk, but the thin pool \(pool) has "
                    + "\(Int(there)) MiB in all: name less, or give --overcommit")
        }
    }

    /// Where a disk's volumes go, without symbolic links; nil: it carries none.
    private func directory(of resource: Resource, _ mounts: MountTable) throws -> String? {
        guard let source = resource.disk?.source else { return real(workDirectory) }
        switch source.kind {
        case .block, .raw: return nil
        case .path, .mount: break
        }
        guard let root = source.root else { return nil }
        let path = root.hasPrefix("/") ? root : "\(workDirectory)/\(root)"
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
            isDirectory.boolValue
        else {
            throw CommandFailure(
                "--resources: the disk's root \(path) is no directory: make it, or leave the "
                    + "disk out")
        }
        let place = real(path)
        guard source.kind != .mount || mounts.top(at: place) != nil else {
            throw CommandFailure(
                "--resources: the MOUNT disk's root \(path) is no mount point: mount the disk "
                    + "there, or name the directory as a PATH disk")
        }
        return place
    }

    private func real(_ path: String) -> String {
        URL(filePath: path).resolvingSymlinksInPath().path
    }
}
