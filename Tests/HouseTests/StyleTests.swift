import Foundation
import Testing

/// Sizes and words of the house.
@Suite struct StyleTests {
    static let both = SourceFile.all(in: "Sources") + SourceFile.all(in: "Tests")

    @Test func noFileIsLongerThan400Lines() {
        for file in Self.both {
            #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count) lines")
        }
    }

    /// Names of scenarios, which a script reads, are as long as they are.
    @Test func noLineIsLongerThan100Columns() {
        for file in Self.both {
            for (number, line) in file.lines.enumerated()
            where line.count > 100 && !line.contains("/// Scenario: ") {
                Issue.record("\(file.path):\(number + 1) has \(line.count) columns")
            }
        }
    }

    /// A function's length is told by its indentation, which the formatter keeps.
    @Test func noFunctionIsLongerThan70Lines() {
        for file in Self.both {
            var open: (indentation: Int, line: Int)?
            for (number, line) in file.code.enumerated() {
                let indentation = line.prefix { $0 == " " }.count
                let text = line.dropFirst(indentation)
                if open == nil, isFunction(text) { open = (indentation, number) }
                guard let start = open, text.hasPrefix("}"), indentation == start.indentation else {
                    continue
                }
                #expect(
                    number - start.line < 70,
                    "\(file.path):\(start.line + 1): a function of \(number - start.line + 1) lines"
                )
                open = nil
            }
        }
    }

    @Test func nothingIsLeftUnfinished() {
        let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK", "not impl" + "emented"]
        for file in Self.both {
            for (number, line) in file.lines.enumerated() {
                for mark in marks where line.contains(mark) {
                    Issue.record("\(file.path):\(number + 1) has '\(mark)'")
                }
            }
        }
    }

    @Test func namesAreTheFieldsTerms() {
        let words = ["Slave", "Worker", "Manager", "Helper", "Utils"]
        for file in SourceFile.all(in: "Sources") {
            for (number, line) in file.code.enumerated() {
                for word in words
                where line.contains("struct \(word)") || line.contains("class \(word)")
                    || line.contains("enum \(word)")
                {
                    Issue.record("\(file.path):\(number + 1) names a type '\(word)...'")
                }
            }
        }
    }

    @Test func noCoreSwitchHasADefault() {
        for file in SourceFile.all(in: "Sources") where RoomTests.pure.contains(file.room) {
            for (number, line) in file.code.enumerated()
            where line.drop(while: { $0 == " " }).hasPrefix("default:") {
                let isOnNumbers = file.lines[max(0, number - 12)...number]
                    .contains { $0.contains("// not our own enum") || $0.contains("switch byte") }
                #expect(isOnNumbers, "\(file.path):\(number + 1): default: in a core")
            }
        }
    }

    private func isFunction(_ text: Substring) -> Bool {
        let words = text.split(separator: " ", maxSplits: 5)
        return words.contains { $0 == "func" || $0.hasPrefix("init(") || $0 == "init" }
            && !text.hasPrefix("//") && !text.hasPrefix("case") && !text.contains("= ")
    }
}
