import Model

/// Something about a disk or a volume that somebody should hear of once.
struct UsageEvent: Sendable {
    /// Whom it concerns.
    struct Volume: Sendable {
        let uuid: VolumeUUID
        let persistenceID: String
        let role: String
        let usedBytes: Int64
        let limitBytes: Int64
    }

    /// Like `volume-over`: stable, for programs.
    let kind: String
    /// Seconds since 1970.
    let time: Int64
    /// Nil for events of a whole disk.
    let volume: Volume?
    let percent: Int?
    let forecast: UsageForecast
    /// For people.
    let text: String
    /// As `--resources` names its root, for events of a whole disk.
    let disk: String?
    /// The volumes on that disk.
    let concerned: [Volume]

    init(
        _ crossing: UsageAlarms.Crossing, _ volume: Volume, _ forecast: UsageForecast, time: Int64
    ) {
        self.time = time
        self.volume = volume
        self.forecast = forecast
        disk = nil
        concerned = []
        let name = "volume \(volume.persistenceID) (\(volume.uuid)) of role \(volume.role)"
        switch crossing {
        case .over(let percent):
            kind = "volume-over"
            self.percent = percent
            text = "\(name) is over \(percent) % full"
        case .under(let percent):
            kind = "volume-under"
            self.percent = percent
            text = "\(name) is under \(percent) % full again"
        case .fillingSoon:
            kind = "volume-filling"
            percent = nil
            text = "\(name): \(forecast.text)"
        case .fillingLater:
            kind = "volume-not-filling"
            percent = nil
            text = "\(name): \(forecast.text)"
        }
    }

    /// Of a disk, with the volumes that are on it.
    init(_ kind: String, disk: String, text: String, concerned: [Volume], time: Int64) {
        self.kind = kind
        self.disk = disk
        self.text = text
        self.concerned = concerned
        self.time = time
        volume = nil
        percent = nil
        forecast = .unknown
    }

    /// What the master is told.
    var alarm: UsageAlarm {
        var text = self.text
        while text.utf8.count > UsageAlarm.textBytesAtMost { text.removeLast() }
        var alarm = UsageAlarm(kind: kind, text: text, nanoseconds: time * 1_000_000_000)
        alarm.volumes = volume.map { [$0.uuid] } ?? concerned.map(\.uuid)
        alarm.persistenceID = volume?.persistenceID
        alarm.role = volume?.role
        alarm.usedBytes = volume?.usedBytes
        alarm.limitBytes = volume?.limitBytes
        alarm.percent = percent
        alarm.disk = disk
        guard case .filling(let filling) = forecast else { return alarm }
        alarm.fullInSeconds = Int64(exactly: filling.fullIn.rounded())
        alarm.earliestSeconds = Int64(exactly: filling.earliest.rounded())
        alarm.latestSeconds = filling.latest.flatMap { Int64(exactly: $0.rounded()) }
        return alarm
    }

    /// What the webhook sends.
    func json(agent: String) -> LegacyJSON {
        var pairs: [(String, LegacyJSON)] = [
            ("type", .text(kind)), ("time", .integer(Int(time))), ("agent", .text(agent)),
            ("text", .text(text)),
        ]
        if let volume { pairs.append(("volume", volume.json)) }
        if let disk {
            pairs.append(("disk", .text(disk)))
            pairs.append(("volumes", .list(concerned.map(\.json))))
        }
        if let percent { pairs.append(("percent", .integer(percent))) }
        if case .filling(let filling) = forecast {
            pairs.append(("full_in_seconds", .number(filling.fullIn)))
            pairs.append(("earliest_seconds", .number(filling.earliest)))
            if let latest = filling.latest { pairs.append(("latest_seconds", .number(latest))) }
        }
        return .object(pairs)
    }
}

extension UsageEvent.Volume {
    fileprivate var json: LegacyJSON {
        .object([
            ("uuid", .text(uuid.value)), ("id", .text(persistenceID)), ("role", .text(role)),
            ("used_bytes", .integer(Int(usedBytes))),
            ("limit_bytes", .integer(Int(limitBytes))),
        ])
    }
}
