import Containers
import MesosAPI
import Testing

@testable import Daemons

@Suite struct ContainerWishTests {
    private func reason(_ change: (inout Mesos_V1_ContainerInfo) -> Void) -> String? {
        var info = Mesos_V1_ContainerInfo()
        change(&info)
        do throws(ContainerError) {
            _ = try ContainerWish.image(info)
            return nil
        } catch {
            return error.text
        }
    }

    @Test func imagesOfBothTypesAreTaken() throws {
        #expect(try ContainerWish.image(Mesos_V1_ContainerInfo()) == nil)
        var info = Mesos_V1_ContainerInfo()
        info.type = .mesos
        info.mesos.image.type = .docker
        info.mesos.image.docker.name = "a:b"
        #expect(try ContainerWish.image(info) == .init(name: "a:b", isCached: true))
        info.mesos.image.cached = false
        #expect(try ContainerWish.image(info) == .init(name: "a:b", isCached: false))
        info = Mesos_V1_ContainerInfo()
        info.type = .docker
        info.docker.image = "c"
        info.docker.network = .host
        #expect(try ContainerWish.image(info) == .init(name: "c", isCached: true))
        info.docker.forcePullImage = true
        #expect(try ContainerWish.image(info) == .init(name: "c", isCached: false))
    }

    @Test func whatAnImageAloneCanNotDoIsRefused() {
        #expect(reason { $0.type = .docker }?.contains("needs docker.image") == true)
        let docker = { (change: (inout Mesos_V1_ContainerInfo.DockerInfo) -> Void) in
            reason {
                $0.type = .docker
                $0.docker.image = "a"
                change(&$0.docker)
            }
        }
        #expect(docker { $0.network = .bridge }?.contains("network") == true)
        #expect(docker { $0.portMappings = [.init()] }?.contains("port_mappings") == true)
        #expect(docker { $0.privileged = true }?.contains("privileged") == true)
        #expect(docker { $0.parameters = [.init()] }?.contains("parameters") == true)
        #expect(docker { $0.volumeDriver = "x" }?.contains("volume_driver") == true)
        #expect(docker { $0.privileged = false } == nil)
        #expect(reason { $0.mesos.image.type = .appc }?.contains("APPC") == true)
        let mesos = { (change: (inout Mesos_V1_ContainerInfo) -> Void) in
            reason {
                $0.mesos.image.type = .docker
                $0.mesos.image.docker.name = "a"
                change(&$0)
            }
        }
        #expect(mesos { $0.mesos.image.docker.config = .init() }?.contains("credential") == true)
        #expect(mesos { _ in } == nil)
    }
}
