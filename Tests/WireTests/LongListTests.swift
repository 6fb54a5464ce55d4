import MesosAPI
import Testing
import Wire

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
            return Self.list.encode(rest.prefix(length), as: media)
        }
        #expect(Self.list.response(of: parts, as: media) == media.encode(whole))
    }
}
