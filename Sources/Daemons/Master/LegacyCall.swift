import Foundation
import MasterCore
import MesosAPI
import Model
import Wire

/// The calls that came as forms before the v1 API did: the field `slaveId`, and a JSON array of
/// resources. They do what the v1 calls do.
enum LegacyCall: String, CaseIterable {
    case reserve = "/reserve"
    case unreserve = "/unreserve"
    case createVolumes = "/create-volumes"
    case destroyVolumes = "/destroy-volumes"

    /// Nil: another path. Each has a second name, with the process before it.
    init?(path: String) {
        self.init(
            rawValue: path.hasPrefix("/master/") ? String(path.dropFirst(7)) : path)
    }

    func read(_ body: [UInt8]) throws(Refusal) -> OperatorCall {
        let form = try LegacyForm(body)
        let agent = AgentID(try form.field("slaveId"))
        switch self {
        case .reserve:
            let resources = try form.resources("resources")
            let source = form.fields["source"] == nil ? [] : try form.resources("source")
            return .apply(.reserve(resources, source: source), agent: agent)
        case .unreserve:
            return .apply(.unreserve(try form.resources("resources")), agent: agent)
        case .createVolumes:
            return .apply(.create(try form.resources("volumes")), agent: agent)
        case .destroyVolumes:
            return .apply(.destroy(try form.resources("volumes")), agent: agent)
        }
    }
}

/// A body of `application/x-www-form-urlencoded`.
struct LegacyForm {
    /// Decoded; of a field that is given twice the last one counts.
    private(set) var fields: [String: String] = [:]

    /// Throws `invalid` for a broken escape and for what is no UTF-8.
    init(_ body: [UInt8]) throws(Refusal) {
        for part in body.split(separator: UInt8(ascii: "&")) {
            let halves = part.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(halves[0]),
                let value = Self.decode(halves.count > 1 ? halves[1] : [])
            else {
                throw Refusal(.invalid, "Unable to decode the form in the request body")
            }
            fields[name] = value
        }
    }

    func field(_ name: String) throws(Refusal) -> String {
        guard let value = fields[name] else {
            throw Refusal(
                .invalid, "Missing '\(name)' query parameter in the request body")
        }
        return value
    }

    func resources(_ name: String) throws(Refusal) -> [Resource] {
        let text = try field(name)
        do throws(Refusal) {
            // Only what is a whole array by itself stays inside the field that it is put into.
            guard let parsed = try? JSONSerialization.jsonObject(with: Data(text.utf8)) else {
                throw Refusal(.invalid, "syntax error")
            }
            guard parsed is [Any] else {
                throw Refusal(.invalid, "Unexpected JSON type parsed")
            }
            let list = try MesosJSON.decode(
                Mesos_V1_Master_Call.UnreserveResources.self,
                from: Array(#"{"agent_id":{"value":""},"resources":\#(text)}"#.utf8))
            return try Resource.list(list.resources)
        } catch {
            throw Refusal(
                .invalid,
                "Error parsing '\(name)' query parameter in the request body: \(error.message)")
        }
    }

    private static func decode(_ bytes: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let high = rest.popFirst()?.hexDigit,
                    let low = rest.popFirst()?.hexDigit
                else { return nil }
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }
}

extension UInt8 {
    /// The value of an ASCII hexadecimal digit.
    fileprivate var hexDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
