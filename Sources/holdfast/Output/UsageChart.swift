/// A curve of what was used over time, in braille: two columns and four rows of dots a character.
struct UsageChart {
    /// What is drawn: a moment in seconds, and bytes.
    struct Point: Hashable {
        let time: Int64
        let bytes: Double
    }

    let points: [Point]
    /// The top of the scale, unless more is used.
    let limitBytes: Double
    /// Seconds between points: over more than a few of them nothing is drawn.
    let stepSeconds: Int
    var columns = 64
    var rows = 8

    /// The bits of a character's dots, the lowest row first: left and right column.
    private static let dots: [[UInt32]] = [
        [0x40, 0x80], [0x04, 0x20], [0x02, 0x10], [0x01, 0x08],
    ]

    /// The rows from the top, without a frame; empty where there is nothing to draw.
    var lines: [String] {
        guard let first = points.first, let last = points.last else { return [] }
        let top = max(limitBytes, points.map(\.bytes).max() ?? 0, 1)
        let width = columns * 2
        let span = max(1, last.time - first.time)
        var heights = [Int?](repeating: nil, count: width)
        for point in points {
            let place = Int(point.time - first.time) * (width - 1) / Int(span)
            let height = Int((point.bytes / top * Double(rows * 4)).rounded())
            // What is used at all is seen.
            heights[place] = max(heights[place] ?? 0, point.bytes > 0 ? max(1, height) : 0)
        }
        join(&heights, upTo: max(4, (width - 1) * 3 * stepSeconds / Int(span)))
        return (0..<rows).reversed().map { row in
            var line = ""
            for column in 0..<columns {
                var bits: UInt32 = 0x2800
                for side in 0..<2 {
                    let height = heights[column * 2 + side] ?? 0
                    for dot in 0..<4 where height > row * 4 + dot { bits |= Self.dots[dot][side] }
                }
                line.unicodeScalars.append(Unicode.Scalar(bits) ?? " ")
            }
            return line
        }
    }

    /// Draws straight lines over short gaps between points; long ones stay empty.
    private func join(_ heights: inout [Int?], upTo gap: Int) {
        var last: Int?
        for place in heights.indices {
            guard let height = heights[place] else { continue }
            if let last, place - last > 1, place - last <= gap, let before = heights[last] {
                for between in (last + 1)..<place {
                    heights[between] =
                        before + (height - before) * (between - last) / (place - last)
                }
            }
            last = place
        }
    }
}
