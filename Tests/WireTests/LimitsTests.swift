import MesosAPI
import Model
import Testing

@testable import Wire

@Suite struct LimitsTests {
    private let limits = VolumeLimits(
        rates: DiskRates(readBytes: 70_000, writtenBytes: 80_000, reads: 11, writes: 12),
        inodes: 99)

    private var volume: Resource {
        Resource(
            "disk", .scalar(Amount(thousandths: 64_000)),
            reservations: [Reservation(.dynamic, role: "r")],
            disk: Disk(
                persistence: .init(id: "v"), volume: .init(containerPath: "data"), limits: limits))
    }

    @Test func recordsKeepLimits() throws {
        #expect(try Resource(volume.form) == volume)
        #expect(VolumeLimits(VolumeLimits(inodes: 16).form) == VolumeLimits(inodes: 16))
    }

    @Test func createReadsThemAndOffersHaveNone() throws {
        let made = Mesos_V1_Resource(made: volume)
        #expect(try Resource(made) == volume)
        let offered = Mesos_V1_Resource(volume, form: .postRefinement)
        #expect(!offered.disk.hasLimits)
        var operation = Mesos_V1_Offer.Operation()
        operation.type = .create
        operation.create.volumes = [made]
        #expect(OfferOperation(operation).kind == .create([volume]))
    }
}
