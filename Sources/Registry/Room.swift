import GRDB

package enum RegistryRoom {}
