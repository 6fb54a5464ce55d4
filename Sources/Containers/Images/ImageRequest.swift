/// A container's wish for a root made of an image.
package struct ImageRequest: Sendable {
    package var name: ImageName
    /// Whether an image of that name that is there already will do; else the registry is asked.
    package var isCached: Bool
    /// Whose rights count for a local image.
    package var user: UserIdentity

    package init(_ name: ImageName, isCached: Bool = true, user: UserIdentity) {
        self.name = name
        self.isCached = isCached
        self.user = user
    }
}

/// A root that is ready for one container.
package struct PreparedImage: Equatable, Sendable {
    /// For ContainerSpec.image.
    package var directory: String
    package var configuration: ImageConfiguration

    package init(directory: String, configuration: ImageConfiguration) {
        self.directory = directory
        self.configuration = configuration
    }
}
