#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json/json_object.h"
#include "netfilter/attribution/attribution.h"
#include "netfilter/report/egress_record.h"
#include "netfilter/report/place_lists.h"

namespace picortex {

// The texts of the fence's events.

inline constexpr std::string_view kEgressRejected = "egress.rejected";
inline constexpr std::string_view kEgressAllowed = "egress.allowed";
inline constexpr std::string_view kEgressClosed = "egress.closed";
inline constexpr std::string_view kEgressBudget = "egress.budget";
inline constexpr std::string_view kEgressNewHost = "egress.new_host";
inline constexpr std::string_view kEgressSuppressed = "egress.suppressed";

// Returns "host:port", "[address]:port" for IPv6, the host alone if there is no port.
std::string place_of(std::string_view host, std::uint16_t port);

// Returns the name into which too many names are folded: the last two labels, or the last one of a
// name with at most two. Returns an empty text for a name of one label.
std::string_view folded_parent(std::string_view name) noexcept;

// Writes the names with ", " between them, up to `size_max` bytes; false: not all of them fit.
bool join_names(std::span<const std::string_view> names, std::size_t size_max, std::string& out);

// Adds the names that join_names() joined.
void append_names(JsonArray array, std::string_view joined);

// Adds what is known of the process: the line's own `pid` is the daemon's.
void describe_process_owner(JsonObject& data, const ProcessOwner& process_owner);

// Returns what one event costs of a byte budget: its row, and about 200 bytes for the row's other
// columns.
std::size_t size_of(const EgressRecord& record) noexcept;

// Returns the message and data of an event that lists places, without time and IDs.
EgressRecord describe_list(const PlaceLists::List& list);

}  // namespace picortex
