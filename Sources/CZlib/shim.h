// The system's zlib (Debian: zlib1g-dev), for gzip bodies over HTTP.
#include <zlib.h>
