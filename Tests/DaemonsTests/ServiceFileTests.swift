import Daemons
import Model
import ServiceCore
import Testing

@Suite struct ServiceFileTests {
    private let whole = """
        name: db
        role: databases
        user: postgres
        resources: {cpus: 1.5, mem: 1GiB}
        volumes:
          - {name: data, path: var/data, size: 2GiB}
        ports:
          - {name: sql, port: 31432}
          - {name: metrics}
        env: {A: b}
        command: exec db
        health: {tcp: sql, interval: 500ms, grace: 1m, failures: 5}
        kill_grace: 20s
        """

    @Test func everyKeyIsRead() throws {
        let spec = try ServiceFile.parse(whole)
        #expect(spec.name == "db")
        #expect(spec.role == "databases")
        #expect(spec.cpus == Amount(1.5))
        #expect(spec.memory == Amount(1024))
        let size = try #require(Amount(2048))
        #expect(spec.volumes == [.init(name: "data", path: "var/data", size: size)])
        #expect(spec.ports == [.init(name: "sql", number: 31432), .init(name: "metrics")])
        #expect(spec.environment == [.init(name: "A", value: "b")])
        #expect(spec.killGraceMilliseconds == 20_000)
        #expect(spec.health?.probe == .tcp(port: "sql"))
        #expect(spec.health?.intervalMilliseconds == 500)
        #expect(spec.health?.graceMilliseconds == 60_000)
        #expect(spec.health?.failures == 5)
    }

    @Test func anImageTakesThePlaceOfACommand() throws {
        let spec = try ServiceFile.parse("name: a\nimage: oci:/images/db:16")
        #expect(spec.image == "oci:/images/db:16")
        #expect(spec.command.isEmpty)
        try spec.validate()
    }

    @Test(arguments: [
        ("", "empty"), ("- a", "mapping"), ("name: a\nsize: 1", "has no key 'size'"),
        ("command: x", "needs a name"), ("name: a\nresources: {cpus: many}", "not an amount"),
        ("name: a\nvolumes: [{name: d}]", "needs a size"),
        ("name: a\nvolumes: [{name: d, size: big}]", "not a size"),
        ("name: a\nports: [{name: p, port: x}]", "not a number"),
        ("name: a\nhealth: {interval: 1s}", "one of: command, tcp, http"),
        ("name: a\nkill_grace: soon", "not a time"),
        ("name: a\nimage: {name: b}", "image of a service must be one value"),
        ("name: a\nimages: b", "has no key 'images'"),
        ("name: [", "not YAML"),
    ])
    func whatIsWrongIsSaid(text: String, part: String) {
        do throws(Refusal) {
            let spec = try ServiceFile.parse(text)
            Issue.record("taken: \(spec)")
        } catch {
            #expect(error.kind == .invalid)
            #expect(error.message.contains(part), "\(error.message)")
        }
    }

    @Test func sizesAndTimesHaveUnits() throws {
        #expect(try ServiceFile.megabytes("1.5GiB") == Amount(1536))
        #expect(try ServiceFile.megabytes("64") == Amount(64))
        #expect(try ServiceFile.milliseconds("10") == 10_000)
        #expect(try ServiceFile.milliseconds("250ms") == 250)
        #expect(throws: Refusal.self) { try ServiceFile.megabytes("-1MiB") }
        #expect(throws: Refusal.self) { try ServiceFile.milliseconds("nan") }
    }
}
