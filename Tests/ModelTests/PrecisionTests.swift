import Model
import Testing

/// Thousandths: what is read, calculated and shown.
@Suite struct PrecisionTests {
    /// Scenario: resources_tests ResourcesTest.PrecisionSimple ResourcesTest.PrecisionLost
    /// Scenario: resources_tests ResourcesTest.PrecisionRounding
    @Test(arguments: [("1.001", 1.001), ("1.5011", 1.501), ("1.5015", 1.502)])
    func sumsAndRestsComeBack(text: String, value: Double) throws {
        let cpu = try resources("cpus:\(text)")
        #expect(cpu.total(of: "cpus").value == value)
        let back = (cpu + cpu + cpu).subtracting(cpu + cpu)
        #expect(back == cpu)
        #expect(back?.total(of: "cpus").value == value)
        #expect(try cpu + resources("cpus:0") == cpu)
        #expect(try cpu.subtracting(resources("cpus:0")) == cpu)
    }

    /// Scenario: resources_tests ResourcesTest.PrecisionManyOps
    /// Scenario: resources_tests ResourcesTest.PrecisionManyConsecutiveOps
    @Test func nothingIsLostOverManyOperations() throws {
        let start = try resources("cpus:1.001")
        var current = start
        for _ in 0..<2500 {
            current = try #require((current + current + current).subtracting(current + current))
            #expect(current == start)
        }
        for _ in 0..<100_000 { current.add(start) }
        #expect(current.total(of: "cpus").thousandths == 100_001 * 1001)
        for _ in 0..<100_000 { current.subtract(start) }
        #expect(current == start)
    }

    /// Scenario: resources_tests ResourcesTest.VerySmallValue ResourcesTest.AbsentResources
    @Test func nothingIsNotThereAndTooLittleIsAMistake() throws {
        #expect(throws: Refusal.self) { try resources("cpus:0.00001") }
        #expect(throws: Refusal.self) { try resources("cpus:0.0004") }
        #expect(try resources("cpus:0.0005").total(of: "cpus").thousandths == 1)
        #expect(throws: Refusal.self) { try ResourceQuantities(parsing: "cpus:0.0001") }
        #expect(try resources("gpus:0").isEmpty)
        #expect(try resources("gpus:0.0;cpus:0e3").isEmpty)
    }

    /// Scenario: resources_tests ResourcesTest.PrintingScalarPrecision
    @Test(arguments: [
        (1.234, "1.234"), (1.2345, "1.235"), (1.2344, "1.234"), (1.1, "1.1"),
        (1_000_001, "1000001"), (99_999_999_999.9994, "99999999999.999"),
    ])
    func textHasThreeDigitsAtMost(value: Double, text: String) throws {
        let amount = try #require(Amount(value))
        #expect(Resource("cpus", .scalar(amount)).detailedText == "cpus:\(text)")
    }
}
