import Glibc

/// Colours for a terminal; none where the output goes elsewhere or `NO_COLOR` is set.
struct Paint {
    enum Colour: Int {
        case red = 31
        case green = 32
        case yellow = 33
        case faint = 2
        case bold = 1
    }

    let isOn: Bool

    init() { isOn = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil }

    func callAsFunction(_ text: String, _ colour: Colour) -> String {
        isOn ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}
