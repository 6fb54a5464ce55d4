import Linux
import Model
import Testing

@testable import Volumes

/// Each kind of difference between books and disk, by values alone.
@Suite struct ComparisonTests {
    typealias World = ComparisonWorld

    @Test(arguments: BackendKind.allCases)
    func nothingIsFoundWhereAllAgree(_ backend: BackendKind) throws {
        #expect(try World(backend).findings.isEmpty)
    }

    @Test(arguments: BackendKind.allCases)
    func nothingIsSaidOfWhatAnOperationIsChanging(_ backend: BackendKind) throws {
        var world = try World(backend)
        world.books.moving = [World.uuid]
        world.books.arriving = world.books.journal
        world.books.registry = []
        world.books.journal = []
        world.store.owners = []
        world.store.mounts = []
        #expect(world.findings.isEmpty)
    }

    @Test(arguments: BackendKind.allCases)
    func dataThatIsGoneIsLostAndLeftToAPerson(_ backend: BackendKind) throws {
        var world = try World(backend)
        world.store.places = []
        world.store.images = []
        world.store.thin = [:]
        world.store.mounts = []
        world.loops = []
        #expect(world.codes == [.volumeLost])
        #expect(world.findings.first?.repair == nil)
    }

    @Test func whatWasNeverUsedMayBeAbsent() throws {
        var world = try World(.directory)
        world.books.journal = [World.booked(isPrepared: false)]
        #expect(world.findings.isEmpty)
        world.store = StoreObservation(disk: "", layout: world.layout)
        #expect(world.codes == [.volumeUnmade])
    }

    @Test func aRetiredOwnerFileOfABookedVolumeIsToldAndNothingErased() throws {
        var world = try World(.directory)
        world.record.state = .deleting
        world.store.known = [StoredVolume(record: world.record, paths: world.paths)]
        world.store.owners = [.init(path: world.paths.retired, record: world.record)]
        world.store.deleting = [world.paths.deleting]
        #expect(world.codes == [.volumeGivenUp])
        #expect(world.findings.allSatisfy { $0.repair == nil })
    }

    @Test func anOwnerFileIsWrittenAnewFromWhatTheAgentKnows() throws {
        var world = try World(.directory)
        world.store.owners = []
        #expect(world.codes == [.ownerMissing])
        #expect(world.findings.first?.repair == .writeOwner(world.record))
        world.store.owners = [.init(path: world.paths.owner, record: nil)]
        #expect(world.codes == [.ownerUnreadable])
        world.write { $0.spec.uuid = VolumeUUID("00000002-1111-4111-8111-111111111111") }
        #expect(world.codes == [.ownerForeign])
        #expect(world.findings.first?.repair == .writeOwner(world.record))
    }

    @Test func aDirectoryThatNothingButItsPathIdentifiesIsLeftToAPerson() throws {
        var world = try World(.directory)
        world.forget()
        world.store.owners = []
        #expect(world.codes == [.ownerMissing])
        #expect(world.findings.first?.repair == nil)
    }

    @Test func anImageIsIdentifiedByItsName() throws {
        var world = try World(.loopExt4)
        world.forget()
        world.store.owners = []
        #expect(world.codes == [.ownerMissing])
        guard case .writeOwner(let record) = world.findings.first?.repair else {
            Issue.record("no repair")
            return
        }
        #expect(record.backend == .loopExt4 && record.state == .ready)
        #expect(record.spec.bytes == World.bytes && record.uuid == World.uuid)
    }

    @Test func aFieldOfTheOwnerFileThatDiffersIsNamed() throws {
        let changes: [(String, (inout VolumeRecord) -> Void)] = [
            ("bytes", { $0.spec.bytes = 1 }), ("state", { $0.state = .creating }),
            ("role", { $0.spec.role = "x" }), ("id", { $0.spec.persistenceID = "x" }),
            ("project", { $0.projectID = 4 }), ("root inode", { $0.rootInode = 4 }),
        ]
        for (name, change) in changes {
            var world = try World(.directory)
            world.write(change)
            #expect(world.codes == [.ownerDiffers])
            #expect(world.findings.first?.evidence.contains("\(name) ") == true)
            #expect(world.findings.first?.repair == .writeOwner(world.record))
        }
    }

    @Test func theJournalsSizeCounts() throws {
        var world = try World(.directory)
        world.books.journal = [World.booked(bytes: 64 << 20)]
        world.books.registry = nil
        #expect(world.codes == [.ownerDiffers])
    }

    @Test func aBackendThatIsNotTheDatasIsToldAlsoAfterARestart() throws {
        var world = try World(.loopExt4)
        world.write { $0.backend = .directory }
        #expect(world.codes == [.backendWrong])
        var believed = world.record
        believed.backend = .directory
        world.store.known = [StoredVolume(record: believed, paths: world.paths)]
        #expect(world.codes == [.backendWrong])
        #expect(world.findings.first?.repair == .writeOwner(world.record))
    }

    @Test func limitsAreComparedWithTheBookedSize() throws {
        var world = try World(.projectQuota)
        world.putLimit(isCounted: false, World.bytes)
        #expect(world.codes == [.quotaMissing])
        world.putLimit(isCounted: true, World.bytes / 2)
        #expect(world.codes == [.quotaLimit])
        #expect(world.findings.first?.repair == .mount)
    }

    @Test func aLimitWithoutFilesAndVolumeIsLeaked() throws {
        var world = try World(.projectQuota)
        world.record.projectID = 10
        world.store.known = [StoredVolume(record: world.record, paths: world.paths)]
        world.store.owners = [.init(path: world.paths.owner, record: world.record)]
        world.store.projects = [
            .init(id: 10, limitBytes: 1, isUnused: true),
            .init(id: 11, limitBytes: 1, isUnused: false),
            .init(id: 12, limitBytes: 0, isUnused: true),
        ]
        #expect(world.findings.isEmpty)
        world.store.projects.append(.init(id: 13, limitBytes: 4096, isUnused: true))
        #expect(world.codes == [.quotaLeaked])
        #expect(world.findings.first?.repair == .clearProject(13))
    }

    @Test func whatCannotBeLookedAtIsAnError() throws {
        var world = try World(.directory)
        world.store.problems = ["/work/volumes/images"]
        #expect(world.codes == [.unreadable])
        world = try World(.directory)
        world.books.journal = [World.booked(disk: "/elsewhere")]
        #expect(world.codes == [.diskMissing])
    }

    @Test func twoLooksMustAgree() throws {
        var world = try World(.directory)
        world.store.owners = []
        let first = world.findings
        #expect(StorageComparison.confirmed(first, by: []).isEmpty)
        #expect(StorageComparison.confirmed([], by: first).isEmpty)
        #expect(StorageComparison.confirmed(first, by: first) == first)
    }

    @Test func whatChangesBetweenTwoReadingsIsLeftOut() throws {
        var world = try World(.directory)
        var later = world.books
        later.journal = []
        world.books.merge(later)
        world.store.owners = []
        #expect(world.books.moving == [World.uuid])
        #expect(world.findings.isEmpty)
    }

    @Test func codesAreNamesOfTheirOwn() {
        let names = FindingCode.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0 == "-" || $0.isLowercase } })
    }
}
