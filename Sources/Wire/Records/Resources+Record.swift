package import HoldfastAPI
package import Model

extension Resources: RecordCoded {
    package var form: Holdfast_Resources {
        var form = Holdfast_Resources()
        form.pieces = entries.map { entry in
            var piece = Holdfast_Resources.Piece()
            piece.resource = entry.resource.form
            if entry.copies != 1 { piece.copies = Int64(entry.copies) }
            return piece
        }
        return form
    }

    package init(_ form: Holdfast_Resources) throws(Refusal) {
        self.init()
        for piece in form.pieces {
            let copies = piece.hasCopies ? piece.copies : 1
            guard copies > 0, copies <= 1_000_000_000 else {
                throw Refusal(.invalid, "'piece.copies' is out of range")
            }
            add(try Resource(piece.resource), copies: Int(copies))
        }
    }
}

extension ResourceConversion: RecordCoded {
    package var form: Holdfast_Conversion {
        var form = Holdfast_Conversion()
        form.consumed = consumed.form
        form.converted = converted.form
        return form
    }

    package init(_ form: Holdfast_Conversion) throws(Refusal) {
        self.init(
            consumed: try Resources(form.consumed), converted: try Resources(form.converted))
    }
}
