import MesosAPI
import Model
import SwiftProtobuf
import Testing

@testable import Wire

@Suite struct LongListTests {
    private typealias Response = Mesos_V1_Master_Response
    private static let list = LongList(
        .listVolumes, answer: (1000, "list_volumes"), list: (1, "volumes"))

    private func volumes(_ count: Int) -> [Response.ListVolumes.Volume] {
        (0..<count).map { number in
            var volume = Response.ListVolumes.Volume()
            volume.uuid = "uuid \(number) \"ä\""
            volume.agentID.value = "agent"
            volume.resource.name = "disk"
            volume.resource.type = .scalar
            volume.resource.scalar.value = Double(number) + 0.5
            volume.state = "active"
            volume.bookedBytes = Int64(number) << 20
            // Longer than a length of one byte.
            if number % 2 == 1 { volume.principal = String(repeating: "p", count: 200) }
            return volume
        }
    }

    /// A resource is written as the library writes it, byte for byte.
    @Test func resourcesAreWrittenAsByTheLibrary() throws {
        var random = RandomModel(seed: 5)
        for _ in 0..<2_000 {
            let resource = random.resource()
            var writer = ProtobufWriter()
            writer.resource(resource)
            let message = Mesos_V1_Resource(resource, form: .postRefinement)
            let expected: [UInt8] = try message.serializedBytes()
            #expect(writer.bytes == expected, "\(resource)")
        }
    }

    /// An entry's resource may be beside it: the whole can be read, and its JSON is the same.
    @Test func aResourceBesideItsEntryIsPartOfIt() throws {
        var random = RandomModel(seed: 6)
        for _ in 0..<100 {
            var volume = volumes(2)[1]
            let resource = random.resource()
            volume.clearResource()
            let entry = ListEntry(volume, resource: (3, resource))
            volume.resource = Mesos_V1_Resource(resource, form: .postRefinement)
            var whole = Response()
            whole.type = .listVolumes
            whole.listVolumes.volumes = [volume]
            let json = Self.list.response(of: [Self.list.encode([entry], as: .json)], as: .json)
            #expect(json == MediaType.json.encode(whole))
            let bytes = Self.list.response(
                of: [Self.list.encode([entry], as: .protobuf)], as: .protobuf)
            #expect(try Response(serializedBytes: bytes) == whole)
        }
    }

    /// Put together of parts, an answer is what the library writes at once, byte for byte.
    @Test(arguments: [[], [0], [1], [3], [1, 0, 2], [0, 4]], MediaType.allCases)
    func partsAreTheWholeAnswer(_ lengths: [Int], _ media: MediaType) {
        let all = volumes(lengths.reduce(0, +))
        var whole = Response()
        whole.type = .listVolumes
        whole.listVolumes = Response.ListVolumes()
        whole.listVolumes.volumes = all
        var rest = all[...]
        let parts = lengths.map { length in
            defer { rest = rest.dropFirst(length) }
            return Self.list.encode(rest.prefix(length).map { ListEntry($0) }, as: media)
        }
        #expect(Self.list.response(of: parts, as: media) == media.encode(whole))
    }
}
