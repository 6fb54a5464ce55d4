import Foundation
import MesosAPI
import SwiftProtobuf
import Wire

/// `cpus:2; disk(db)[data]:1024` for people; the first few of many.
func resourcesText(_ resources: [Mesos_V1_Resource], shown: Int = 6) -> String {
    guard !resources.isEmpty else { return "nothing" }
    let texts = resources.prefix(shown).map(resourceText)
    let rest = resources.count > shown ? " and \(resources.count - shown) more" : ""
    return texts.joined(separator: "; ") + rest
}

private func resourceText(_ resource: Mesos_V1_Resource) -> String {
    var text = resource.name
    if let role = resource.reservations.last?.role { text += "(\(role))" }
    if resource.disk.hasPersistence { text += "[\(resource.disk.persistence.id)]" }
    switch resource.type {
    case .ranges:
        let ranges = resource.ranges.range.map { "\($0.begin)-\($0.end)" }
        return text + ":[" + ranges.joined(separator: ", ") + "]"
    case .set: return text + ":{" + resource.set.item.joined(separator: ", ") + "}"
    default:
        let value = (resource.scalar.value * 1000).rounded() / 1000
        return text + ":" + Table.Value.number(value).cell
    }
}

/// The time of day of a moment, in UTC; with the date when it is not today's.
func momentText(nanoseconds: Int64, now: Date = Date()) -> String {
    let date = Date(timeIntervalSince1970: Double(nanoseconds) / 1e9)
    let text = date.formatted(.iso8601)
    let today = now.formatted(.iso8601).prefix(10)
    return text.hasPrefix(today) ? String(text.dropFirst(11)) : text
}

/// A message as the API's JSON, laid out for reading.
func jsonText(message: some Message) -> String {
    let data = Data(MesosJSON.encode(message))
    return jsonText((try? JSONSerialization.jsonObject(with: data)) ?? NSNull())
}
