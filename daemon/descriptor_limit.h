#pragma once

#include <cstddef>

#include "base/result.h"
#include "daemon/config/serve_options.h"

namespace picortex {

// Raises the soft limit of open files to the hard one (getrlimit(2), RLIMIT_NOFILE). Returns how
// many connections fit below it next to `listeners` sockets, the store, the fence and what else the
// daemon opens, at most those that the options allow; an error if fewer than 16 do.
Result<std::size_t> fit_connections(const ServeOptions& options, std::size_t listeners);

}  // namespace picortex
