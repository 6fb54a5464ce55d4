import Model
import Testing

@Suite struct AmountTests {
    @Test(
        arguments: [
            (0.0004, 0), (0.0005, 1), (0.1, 100), (0.2999, 300), (1.0, 1000),
            (8192.1234, 8_192_123),
            (899_999_999_999.999, 899_999_999_999_999),
        ] as [(Double, Int64)])
    func roundsToThousandths(value: Double, thousandths: Int64) {
        #expect(Amount(value)?.thousandths == thousandths)
    }

    @Test(arguments: [-0.001, -1, .nan, .infinity, -.infinity, 1e300, 900_000_000_001])
    func refusesWhatIsNoAmount(value: Double) {
        #expect(Amount(value) == nil)
    }

    @Test func tenTenthsAreOne() {
        let tenth = Amount(thousandths: 100)
        #expect((0..<10).reduce(Amount.zero) { sum, _ in sum + tenth }.value == 1)
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func valueAndTextComeBack(seed: UInt64) {
        var draw = Draw(seed)
        let amount = draw.amount()
        #expect(Amount(amount.value) == amount)
        #expect(Double(amount.text) == amount.value)
    }

    @Test(
        arguments: [
            (4000, "4"), (500, "0.5"), (1_024_125, "1024.125"), (-500, "-0.5"), (10, "0.01"),
        ] as [(Int64, String)])
    func textHasNoIdleZeros(thousandths: Int64, text: String) {
        #expect(Amount(thousandths: thousandths).text == text)
    }

    @Test func sumsStopAtTheEnds() {
        let top = Amount(thousandths: .max)
        #expect(top + Amount(thousandths: 1) == top)
        #expect(Amount(thousandths: .min) - Amount(thousandths: 1) == Amount(thousandths: .min))
    }
}
