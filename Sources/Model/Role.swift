/// The rules of role names: components split by `/`.
package enum Role {
    /// The role of resources that no one has reserved.
    package static let unreserved = "*"

    /// Throws `invalid` with the rule that a name breaks.
    package static func validate(_ role: String) throws(Refusal) {
        if role == unreserved { return }
        guard !role.isEmpty else { throw Refusal(.invalid, "a role name must not be empty") }
        guard role.utf8.count <= 1024 else {
            throw Refusal(.invalid, "a role name must not be longer than 1024 bytes")
        }
        for part in role.split(separator: "/", omittingEmptySubsequences: false) {
            guard !part.isEmpty else {
                throw Refusal(.invalid, "role '\(role)' has an empty component around a '/'")
            }
            guard part != ".", part != "..", part != unreserved else {
                throw Refusal(.invalid, "role '\(role)' has the reserved component '\(part)'")
            }
            guard !part.hasPrefix("-") else {
                throw Refusal(.invalid, "role '\(role)' has a component that starts with '-'")
            }
            let isForbidden: (Unicode.Scalar) -> Bool = {
                $0.value < 0x21 || $0.value == 0x7F || $0.properties.isWhitespace
            }
            guard !part.unicodeScalars.contains(where: isForbidden) else {
                throw Refusal(.invalid, "role '\(role)' contains a space or control character")
            }
        }
    }

    /// Whether `role` lies strictly below `ancestor`: `eng/db` below `eng`.
    package static func isStrictSubrole(_ role: String, of ancestor: String) -> Bool {
        role.hasPrefix(ancestor + "/")
    }

    /// Whether a framework of `role` may use what is reserved for `owner`: it or an ancestor.
    package static func mayUse(_ role: String, reservedFor owner: String) -> Bool {
        owner == unreserved || role == owner || isStrictSubrole(role, of: owner)
    }
}
