/// The volumes at their container paths.
package struct VolumesIsolator: Isolator {
    private let hidden: [String]

    /// `hidden`: what containers without an image must not see; no volume may cover it.
    package init(hidden: [String]) { self.hidden = hidden }

    package func prepare(_ spec: ContainerSpec) throws(ContainerError) -> LaunchPlan {
        var plan = LaunchPlan()
        for volume in spec.volumes {
            let destination =
                switch try ContainerPath(volume.containerPath, sandbox: spec.sandboxInside) {
                case .inSandbox(let path): "\(spec.sandboxInside)/\(path.joined(separator: "/"))"
                case .absolute(let path): try place("/\(path.joined(separator: "/"))", spec)
                }
            plan.mounts.append(
                .bind(
                    volume.hostPath, at: destination,
                    ["rbind", "rslave", "nosuid", "nodev", volume.isReadOnly ? "ro" : "rw"]))
        }
        return plan
    }

    /// Refuses the kernel's places and those that hold the container's own mounts.
    private func place(_ path: String, _ spec: ContainerSpec) throws(ContainerError) -> String {
        func isIn(_ inner: String, _ outer: String) -> Bool {
            inner == outer || inner.hasPrefix(outer + "/")
        }
        for place in ["/proc", "/sys", "/dev"] where isIn(path, place) {
            throw ContainerError("a volume can't be at \(path): that is the kernel's")
        }
        let own = [spec.sandboxInside] + (spec.image == nil ? hidden : [])
        for place in own where isIn(path, place) || isIn(place, path) {
            throw ContainerError("a volume can't be at \(path): it would cover \(place)")
        }
        return path
    }
}

/// The volumes as symbolic links in the sandbox, as Mesos's filesystem/posix does: read-only is not
/// enforced, and an absolute container path is refused.
package struct LinksIsolator: Isolator {
    package init() {}

    package func prepare(_ spec: ContainerSpec) throws(ContainerError) -> LaunchPlan {
        var plan = LaunchPlan()
        guard spec.image == nil else {
            throw ContainerError("an image needs the runc launcher")
        }
        plan.links = try Self.links(spec.volumes)
        return plan
    }

    static func links(
        _ volumes: [ContainerSpec.Volume]
    ) throws(ContainerError) -> [LaunchPlan.Link] {
        var links: [LaunchPlan.Link] = []
        for volume in volumes {
            guard case .inSandbox(let path) = try ContainerPath(volume.containerPath) else {
                throw ContainerError(
                    "the container path \(volume.containerPath) is absolute: that needs the runc "
                        + "launcher")
            }
            links.append(.init(path: path, target: volume.hostPath))
        }
        return links
    }
}
