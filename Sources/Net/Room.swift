import Hummingbird
import AsyncHTTPClient
package enum NetRoom {}
