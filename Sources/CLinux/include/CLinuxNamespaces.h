// Mounts by descriptor (kernel 5.12 and later): attributes are set before a mount is seen anywhere.
#pragma once

// Shows `source` at `target`, without the mounts below it and with a private propagation; read-only
// if asked, from the first moment on. Never through a symbolic link in `target`'s last component.
int clinux_bind_isolated(const char *source, const char *target, int read_only);
