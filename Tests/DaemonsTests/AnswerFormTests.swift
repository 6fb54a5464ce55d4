import MesosAPI
import Model
import Testing

@testable import Daemons

/// Answers to questions are bounded, and say what they leave out.
@Suite struct AnswerFormTests {
    private let many = Resources(
        (1...5).map { Resource("r\($0)", .scalar(Amount(thousandths: 1000))) })

    @Test func listsAreCut() {
        let form = AnswerForm(bound: 2)
        #expect(form.list(many).list.map(\.name) == ["r1", "r2"])
        #expect(form.list(many).leftOut == 3)
        #expect(AnswerForm(bound: 5).list(many).leftOut == 0)
        #expect(Array(form.bounded([1, 2, 3]).0) == [1, 2])
        #expect(form.bounded([1, 2, 3]).leftOut == 1)
    }

    @Test func aRefusalHasTheCallsStatus() {
        let form = AnswerForm(bound: 2)
        let statuses = [
            Refusal.Kind.invalid: 400, .forbidden: 403, .notFound: 404, .conflict: 409,
            .tooLarge: 413, .unavailable: 503,
        ]
        for (kind, status) in statuses {
            let message = form.message(Refusal(kind, "why"))
            #expect(!message.accepted)
            #expect(message.status == UInt32(status))
            #expect(message.text == "why")
        }
    }
}
