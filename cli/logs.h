#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/settings.h"
#include "storage/query.h"

namespace picortex {

// A request's or an event's UUID as a person gives it: all of it, or its first 8 characters or
// more.
struct IdPrefix {
  Uuid low;  // the first UUID that begins so, and the last
  Uuid high;

  bool is_whole() const noexcept { return low == high; }
};
std::optional<IdPrefix> parse_id_prefix(std::string_view text);

struct LogsOptions {
  std::string data_dir;
  EventFilter filter;  // its request is in `request`, its order is logs' own
  std::optional<IdPrefix> request;
  std::optional<Uuid> around;
  std::uint32_t limit = 0;  // events, 1 to 100,000
  bool follow = false;
  bool json = false;
};

// What logs and why have in common: the chat, and with --utc the process's time zone is UTC from
// here on.
std::string read_chat_filter(Settings& settings);
void read_zone(Settings& settings);

// --since and --until into the filter, as of now. Of a day alone --since means the whole day,
// unless `is_open`.
void read_times(Settings& settings, EventFilter& filter, bool is_open);

// Takes times as of now.
Result<LogsOptions> read_logs_options(Settings& settings);

// The request that the prefix names: the error says that there is none, or more than one.
Result<Uuid> find_request(EventReader& reader, const IdPrefix& prefix);

// Prints the events on stdout. 0, also when there are none, which one line on stderr says; else 1
// with one line on stderr.
int logs(const LogsOptions& options);

}  // namespace picortex
