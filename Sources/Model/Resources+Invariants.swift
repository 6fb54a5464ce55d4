extension Resources {
    /// What is wrong with the collection itself; empty: nothing. Its cost grows with the
    /// collection.
    package func checkInvariants() -> [String] {
        var found: [String] = []
        var pieces: Set<Piece> = []
        for entry in entries {
            let text = entry.resource.detailedText
            if entry.resource.value.isEmpty { found.append("\(text) is an empty piece") }
            if entry.copies < 1 { found.append("\(text) has \(entry.copies) copies") }
            if entry.copies > 1, entry.resource.isDivisible {
                found.append("\(text) is divisible and has \(entry.copies) copies")
            }
            let value = entry.resource.isDivisible ? nil : entry.resource.value
            if !pieces.insert(Piece(key: ResourceKey(entry.resource), value: value)).inserted {
                found.append("\(text) is there as two pieces")
            }
        }
        let sums = recounted()
        for name in Set(sortedNames).union(sums.keys).sorted() {
            let (all, reserved) = sums[name] ?? (.zero, .zero)
            if total(of: name) != all || self.reserved(of: name) != reserved {
                found.append(
                    "\(name) is booked as \(total(of: name).text), of it"
                        + " \(self.reserved(of: name).text) reserved, and is \(all.text),"
                        + " \(reserved.text)")
            }
        }
        return found + (index?.violations(entries) ?? [])
    }

    private struct Piece: Hashable {
        let key: ResourceKey
        let value: ResourceValue?
    }

    /// What is wrong with the collection as the books of one agent: also that it holds no allocated
    /// or invalid piece, and no two volumes of one name.
    package func checkAgentInvariants() -> [String] {
        var found = checkInvariants()
        var names: Set<VolumeName> = []
        for entry in entries {
            let resource = entry.resource
            let text = resource.detailedText
            if resource.allocationRole != nil { found.append("\(text) is allocated in the books") }
            if entry.copies != 1 { found.append("\(text) is there \(entry.copies) times") }
            if let name = resource.volumeName, !names.insert(name).inserted {
                found.append("\(text) has a name that another volume has, too")
            }
            do {
                try resource.validate()
            } catch {
                found.append(error.message)
            }
        }
        return found
    }

    /// The sums by name, all and reserved, counted anew.
    private func recounted() -> [String: (all: Amount, reserved: Amount)] {
        var sums: [String: (all: Amount, reserved: Amount)] = [:]
        for entry in entries {
            let resource = entry.resource
            let times = resource.isShared ? 1 : entry.copies
            let quantity = resource.value.quantity.multiplied(by: times)
            sums[resource.name, default: (.zero, .zero)].all += quantity
            if !resource.reservations.isEmpty {
                sums[resource.name, default: (.zero, .zero)].reserved += quantity
            }
        }
        return sums
    }
}
