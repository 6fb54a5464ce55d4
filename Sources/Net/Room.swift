import AsyncHTTPClient
import Hummingbird

package enum NetRoom {}
