#pragma once

#include <vector>

#include "base/result.h"
#include "netfilter/kernel/conntrack_message.h"

namespace picortex {

// Returns the connections with that mark of the fence, at most `count_max`: a dump of connection
// tracking's table, which blocks for milliseconds if it has many thousand entries. The dump also
// removes entries whose time is up, which reports their ends.
Result<std::vector<ConntrackEntry>> list_connections(std::uint32_t mark, std::size_t count_max);

}  // namespace picortex
