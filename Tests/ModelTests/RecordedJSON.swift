import Foundation
import Model

/// Reads what was recorded from Mesos, for the tests that replay it; the real reader is Wire's.
enum Recorded {
    /// The project's shared folder, beside the package; its files may be absent.
    static let shared = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "shared")

    static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: shared.appending(path: path).path())
    }

    static func json(_ path: String) throws -> JSON {
        let data = try Data(contentsOf: shared.appending(path: path))
        return JSON(try JSONSerialization.jsonObject(with: data))
    }
}

/// A JSON value; what is not there is null.
struct JSON {
    let value: Any?

    init(_ value: Any?) { self.value = value }

    subscript(key: String) -> JSON { JSON((value as? [String: Any])?[key]) }
    subscript(index: Int) -> JSON {
        guard let list = value as? [Any], index < list.count else { return JSON(nil) }
        return JSON(list[index])
    }
    var list: [JSON] { (value as? [Any] ?? []).map { JSON($0) } }
    var object: [String: JSON] { (value as? [String: Any] ?? [:]).mapValues { JSON($0) } }
    var text: String? { value as? String }
    var isPresent: Bool { value != nil }
    /// Also of a numeric string, which Mesos takes for a number.
    var number: Double? { (value as? NSNumber)?.doubleValue ?? text.flatMap { Double($0) } }
}

extension Resource {
    /// From the v1 form; throws what is a matter of form.
    init(_ json: JSON) throws(Refusal) {
        var disk: Disk?
        if json["disk"].isPresent { disk = Disk(json["disk"]) }
        self.init(
            json["name"].text ?? "", try ResourceValue(json),
            reservations: try Resource.reservations(json), disk: disk,
            isShared: json["shared"].isPresent, isRevocable: json["revocable"].isPresent)
    }

    /// From `reservations`, or from the older `role` and `reservation`, which must agree with it.
    private static func reservations(_ json: JSON) throws(Refusal) -> [Reservation] {
        let stack = json["reservations"].list.map { Reservation($0) }
        let role = json["role"].text.flatMap { $0 == Role.unreserved ? nil : $0 }
        let old = json["reservation"]
        guard role != nil || !old.isPresent else {
            throw Refusal(.invalid, "'reservation' without 'role'")
        }
        guard let role else { return stack }
        guard stack.count <= 1 else {
            throw Refusal(.invalid, "'role' beside several 'reservations'")
        }
        if !stack.isEmpty { return stack }
        guard old.isPresent else { return [Reservation(.fixed, role: role)] }
        var reservation = Reservation(old)
        reservation.kind = .dynamic
        reservation.role = role
        return [reservation]
    }
}

extension Reservation {
    init(_ json: JSON) {
        self.init(
            json["type"].text == "STATIC" ? .fixed : .dynamic, role: json["role"].text ?? "",
            principal: json["principal"].text,
            labels: Labels(
                json["labels"]["labels"].list.map { .init($0["key"].text ?? "", $0["value"].text) })
        )
    }
}

extension Disk {
    init(_ json: JSON) {
        self.init()
        let (persistence, volume) = (json["persistence"], json["volume"])
        if persistence.isPresent {
            self.persistence = .init(
                id: persistence["id"].text ?? "", principal: persistence["principal"].text)
        }
        if volume.isPresent {
            self.volume = .init(
                containerPath: volume["container_path"].text ?? "",
                hostPath: volume["host_path"].text,
                mode: volume["mode"].text == "RO" ? .readOnly : .readWrite)
        }
        switch json["source"]["type"].text {
        case "PATH": source = .init(.path, root: json["source"]["path"]["root"].text)
        case "MOUNT": source = .init(.mount, root: json["source"]["mount"]["root"].text)
        default: break
        }
    }
}

extension ResourceValue {
    init(_ json: JSON) throws(Refusal) {
        switch json["type"].text {
        case "SCALAR":
            self = .scalar(try Amount(json["scalar"]))
        case "RANGES":
            var intervals: [ClosedRange<UInt64>] = []
            for range in json["ranges"]["range"].list {
                guard let low = range["begin"].number, let high = range["end"].number, low <= high
                else { throw Refusal(.invalid, "Invalid ranges resource: begin > end") }
                intervals.append(UInt64(low)...UInt64(high))
            }
            guard let ranges = Ranges(disjoint: intervals) else {
                throw Refusal(.invalid, "Invalid ranges resource: overlapping ranges")
            }
            self = .ranges(ranges)
        default:
            throw Refusal(.invalid, "a type that no recording has")
        }
    }
}

extension Amount {
    init(_ scalar: JSON) throws(Refusal) {
        guard let number = scalar["value"].number else {
            throw Refusal(.invalid, "not a number")
        }
        self.init(thousandths: Int64((number * 1000).rounded()))
    }
}

extension OfferOperation.Kind {
    /// From the body of an operator's call, or of a step of `random_ops.py`.
    init?(_ type: String, _ body: JSON) throws(Refusal) {
        func resources(_ list: JSON) throws(Refusal) -> [Resource] {
            var result: [Resource] = []
            for json in list.list { result.append(try Resource(json)) }
            return result
        }
        switch type {
        case "RESERVE_RESOURCES":
            self = .reserve(
                try resources(body["resources"]), source: try resources(body["source"]))
        case "UNRESERVE_RESOURCES": self = .unreserve(try resources(body["resources"]))
        case "CREATE_VOLUMES": self = .create(try resources(body["volumes"]))
        case "DESTROY_VOLUMES": self = .destroy(try resources(body["volumes"]))
        case "GROW_VOLUME":
            self = .grow(
                volume: try Resource(body["volume"]), addition: try Resource(body["addition"]))
        case "SHRINK_VOLUME":
            self = .shrink(
                volume: try Resource(body["volume"]),
                subtract: try Amount(body["subtract"]))
        default: return nil
        }
    }
}
