import Daemons
import MesosAPI
import Model

/// MiB out of `1GiB`, `512MiB` or `64`.
func megabytes(_ text: String) throws -> Double {
    do {
        return try ServiceFile.megabytes(text).value
    } catch {
        throw CommandFailure(error.message)
    }
}

/// Unreserved resources out of `cpus:2;mem:512;ports:[1-2]`.
func parsedResources(_ text: String) throws -> [Mesos_V1_Resource] {
    do throws(Refusal) {
        return try Resources.parse(text: text, defaultRole: Role.unreserved).map {
            plainMessage($0)
        }
    } catch {
        throw CommandFailure(error.message)
    }
}

/// The roles that such a text names.
func parsedRoles(_ text: String) throws -> [String] {
    do throws(Refusal) {
        return try Resources.parse(text: text, defaultRole: Role.unreserved)
            .compactMap { $0.reservations.last?.role }
    } catch {
        throw CommandFailure(error.message)
    }
}

private func plainMessage(_ resource: Resource) -> Mesos_V1_Resource {
    var message = Mesos_V1_Resource()
    message.name = resource.name
    switch resource.value {
    case .scalar(let amount):
        message.type = .scalar
        message.scalar.value = amount.value
    case .ranges(let ranges):
        message.type = .ranges
        message.ranges.range = ranges.intervals.map { interval in
            var range = Mesos_V1_Value.Range()
            range.begin = interval.lowerBound
            range.end = interval.upperBound
            return range
        }
    case .set(let items):
        message.type = .set
        message.set.item = items
    }
    return message
}
