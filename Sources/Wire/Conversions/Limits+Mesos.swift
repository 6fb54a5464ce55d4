package import HoldfastAPI
package import MesosAPI
package import Model

// The limits of volumes and of containers' root disks, in messages and in records.

extension VolumeLimits {
    /// What is not positive stays, for `validate` to refuse.
    package init(_ message: Mesos_V1_Resource.DiskInfo.Limits) {
        self.init(
            rates: DiskRates(
                readBytes: message.hasReadBytesPerSecond ? message.readBytesPerSecond : nil,
                writtenBytes: message.hasWriteBytesPerSecond ? message.writeBytesPerSecond : nil,
                reads: message.hasReadsPerSecond ? message.readsPerSecond : nil,
                writes: message.hasWritesPerSecond ? message.writesPerSecond : nil),
            inodes: message.hasInodes ? message.inodes : nil)
    }

    package init(_ form: Holdfast_VolumeLimits) {
        self.init(
            rates: DiskRates(
                readBytes: form.hasReadBytesPerSecond ? form.readBytesPerSecond : nil,
                writtenBytes: form.hasWriteBytesPerSecond ? form.writeBytesPerSecond : nil,
                reads: form.hasReadsPerSecond ? form.readsPerSecond : nil,
                writes: form.hasWritesPerSecond ? form.writesPerSecond : nil),
            inodes: form.hasInodes ? form.inodes : nil)
    }

    package var form: Holdfast_VolumeLimits {
        var form = Holdfast_VolumeLimits()
        if let bytes = rates.readBytes { form.readBytesPerSecond = bytes }
        if let bytes = rates.writtenBytes { form.writeBytesPerSecond = bytes }
        if let count = rates.reads { form.readsPerSecond = count }
        if let count = rates.writes { form.writesPerSecond = count }
        if let inodes { form.inodes = inodes }
        return form
    }
}

extension Mesos_V1_Resource.DiskInfo.Limits {
    package init(_ limits: VolumeLimits) {
        self.init()
        if let bytes = limits.rates.readBytes { readBytesPerSecond = bytes }
        if let bytes = limits.rates.writtenBytes { writeBytesPerSecond = bytes }
        if let count = limits.rates.reads { readsPerSecond = count }
        if let count = limits.rates.writes { writesPerSecond = count }
        if let inodes = limits.inodes { self.inodes = inodes }
    }
}

extension Mesos_V1_Resource {
    /// With a volume's limits in it: for CREATE and for what only we read.
    package init(made resource: Resource) {
        self.init(resource, form: .postRefinement)
        if let limits = resource.disk?.limits { disk.limits = .init(limits) }
    }
}
