#include "base/terminal.h"
#include "base/time/durations.h"
#include "base/time/timestamp.h"
#include "cli/doctor/checks.h"
#include "storage/event_id.h"
#include "storage/query/event_reader.h"

namespace picortex {
namespace {

// The time of the newest event; nothing if there is none or it cannot be read.
std::optional<std::int64_t> newest_event_ms(const std::string& data_dir) {
  auto reader = EventReader::open(data_dir);
  if (!reader) return std::nullopt;
  const auto key = (*reader)->seek(EventReader::Index::all, 0, first_key_of(kLatestUnixMs),
                                   EventOrder::newest_first);
  if (!key || !*key) return std::nullopt;
  return time_of(**key);
}

std::string synchronise(const Host& host) {
  return host.has_systemd() ? "apt install -y systemd-timesyncd && timedatectl set-ntp true"
                            : "apt install -y chrony && service chrony start";
}

}  // namespace

void check_clock(const Examined& examined, Findings& findings) {
  const Host& host = examined.host;
  const auto synchronised = host.clock_is_synchronised();
  if (!synchronised) {
    findings.skipped("clock.synchronised",
                     "the kernel does not say whether its clock is synchronised");
  } else if (!*synchronised) {
    findings.warning("clock.synchronised",
                     "no time service keeps the clock right: it says " + iso_time(host.unix_ms()),
                     synchronise(host));
  } else {
    findings.ok("clock.synchronised", "a time service keeps the clock right");
  }
  const auto newest = newest_event_ms(examined.options().data_dir);
  if (newest && *newest > host.unix_ms() + kMinuteMs) {
    findings.warning("clock.jump",
                     "the newest event is of " + iso_time(*newest) + ", and the clock says " +
                         iso_time(host.unix_ms()) +
                         ": it was set back, or a sender's clock is ahead",
                     "date -u; picortex logs --utc --limit 5 --data-dir " +
                         shell_word(examined.options().data_dir));
  } else {
    findings.ok("clock.jump", "no event is from the future");
  }
}

}  // namespace picortex
