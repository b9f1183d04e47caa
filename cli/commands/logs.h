#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/commands/timeline.h"
#include "cli/source/fleet_place.h"
#include "daemon/config/settings.h"
#include "storage/query/query.h"

namespace picortex {

// The UUID of a request or event as a person writes it: complete, or its first 8 characters or
// more.
struct IdPrefix {
  Uuid low;  // the lowest UUID that begins with it, and the highest
  Uuid high;

  bool is_whole() const noexcept { return low == high; }
};
std::optional<IdPrefix> parse_id_prefix(std::string_view text);

// The value of --around: an ID, the beginning of one, or a time.
struct AroundPlace {
  std::optional<IdPrefix> id;
  std::int64_t time_ms = 0;  // used if there is no ID
};
std::optional<AroundPlace> parse_around(std::string_view text, std::int64_t now_ms);

// The largest --limit: as many as the option can say.
inline constexpr std::uint32_t kLimitMax = std::numeric_limits<std::uint32_t>::max();

struct LogsOptions {
  std::string data_dir;
  std::optional<FleetPlace> fleet;  // instead of the data directory
  EventFilter filter;               // without the request and the order, which logs sets itself
  std::optional<IdPrefix> request;
  std::optional<AroundPlace> around;
  std::uint32_t limit = 0;  // events, at least 1
  bool follow = false;
  bool chart = false;
  bool json = false;
  EventIds ids = EventIds::hidden;
};

// Reads the options that logs and why share: the chat, and --utc, which sets the process's time
// zone to UTC.
std::string read_chat_filter(Settings& settings);
void read_zone(Settings& settings);

// The filters of logs, which stats, chats and errors have too: --chat, --type, --level, --since,
// --until, --text and --where into `filter`, --request into `request`.
void read_filters(Settings& settings, EventFilter& filter, std::optional<IdPrefix>& request);

// --since and --until into the filter, as of now. Of a day alone --since means the whole day,
// unless `is_open`.
void read_times(Settings& settings, EventFilter& filter, bool is_open);

// Reads times relative to now.
Result<LogsOptions> read_logs_options(Settings& settings);

// Returns the request whose ID begins with the prefix. The error says that there is none, or more
// than one.
Result<Uuid> find_request(EventSource& source, const IdPrefix& prefix);

// Returns the event whose own ID begins with the prefix, if that ID is made of the event's time and
// place (event_id.h); nothing if there is none. The error says that there is more than one.
Result<std::optional<EventRow>> find_event(EventSource& source, const IdPrefix& prefix);

// Prints the events on stdout. Returns 0, also if there are none, which one line on stderr reports;
// 1 after one line on stderr if it failed.
int logs(const LogsOptions& options);

}  // namespace picortex
