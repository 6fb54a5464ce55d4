import Testing

@Suite struct Smoke { @Test func runs() { #expect(Bool(true)) } }
