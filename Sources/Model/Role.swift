/// The rules of role names: components split by `/`.
package enum Role {
    /// The role of resources that no one has reserved.
    package static let unreserved = "*"

    /// Throws `invalid` with the rule that a name breaks.
    package static func validate(_ role: String) throws(Refusal) {
        if role == unreserved { return }
        guard !role.isEmpty else { throw Refusal(.invalid, "Empty role name is invalid") }
        guard role.utf8.count <= 1024 else {
            throw Refusal(.invalid, "A role name must not be longer than 1024 bytes")
        }
        for part in role.split(separator: "/", omittingEmptySubsequences: false) {
            guard !part.isEmpty else {
                throw Refusal(
                    .invalid, "Role '\(role)' is invalid because it has an empty component")
            }
            guard part != ".", part != "..", part != unreserved else {
                throw Refusal(
                    .invalid, "Role component '\(part)' is invalid because it is reserved")
            }
            guard !part.hasPrefix("-") else {
                throw Refusal(
                    .invalid, "Role component '\(part)' is invalid because it starts with a dash")
            }
            let isForbidden: (Unicode.Scalar) -> Bool = {
                $0.value < 0x21 || $0.value == 0x7F
                    || $0.value > 0x7F && $0.properties.isWhitespace
            }
            guard !part.unicodeScalars.contains(where: isForbidden) else {
                throw Refusal(
                    .invalid,
                    "Role component '\(part)' is invalid because it contains backspace or"
                        + " whitespace")
            }
        }
    }

    /// Whether `role` lies strictly below `ancestor`: `eng/db` below `eng`.
    package static func isStrictSubrole(_ role: String, of ancestor: String) -> Bool {
        let (whole, start) = (role.utf8, ancestor.utf8)
        guard whole.count > start.count, whole.starts(with: start) else { return false }
        return whole[whole.index(whole.startIndex, offsetBy: start.count)] == 0x2F
    }

    /// Whether a framework of `role` may use what is reserved for `owner`: it or an ancestor.
    package static func mayUse(_ role: String, reservedFor owner: String) -> Bool {
        owner == unreserved || role == owner || isStrictSubrole(role, of: owner)
    }

    /// The role and all above it, topmost first: `eng`, `eng/db`.
    package static func lineage(of role: String) -> [String] {
        var roles: [String] = []
        for end in role.indices where role[end] == "/" { roles.append(String(role[..<end])) }
        roles.append(role)
        return roles
    }
}
