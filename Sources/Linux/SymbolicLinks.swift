internal import Glibc

extension Files {
    /// Makes a symbolic link in an open directory; EEXIST where something is there already, unless
    /// it is the same link.
    package static func makeLink(
        _ name: String, in directory: borrowing Descriptor, target: String
    ) throws(SystemError) {
        let number = directory.number
        do throws(SystemError) {
            try SystemError.check("symlinkat", name) { symlinkat(target, number, name) }
        } catch {
            guard error.errno == EEXIST,
                linkTarget("/proc/self/fd/\(number)/\(name)") == target
            else { throw error }
        }
    }

    /// Removes a symbolic link from an open directory, if it points there; else nothing.
    package static func removeLink(
        _ name: String, in directory: borrowing Descriptor, target: String
    ) throws(SystemError) {
        let number = directory.number
        guard linkTarget("/proc/self/fd/\(number)/\(name)") == target else { return }
        try SystemError.check("unlinkat", name) { unlinkat(number, name, 0) }
    }

    /// Lets a symbolic link point elsewhere, at no time being absent; makes it if need be.
    package static func replaceLink(_ path: String, target: String) throws(SystemError) {
        let aside = path + ".new"
        try remove(aside)
        try SystemError.check("symlink", aside) { symlink(target, aside) }
        try rename(aside, to: path)
    }
}
