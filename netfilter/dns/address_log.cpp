#include "netfilter/dns/address_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/parse.h"
#include "base/text.h"
#include "netfilter/wire/host_name.h"

namespace picortex {
namespace {

std::optional<AddressRecord> parse_record(std::string_view fields) {
  const auto address = parse_ip_address(take_until(fields, ' '));
  const std::string_view name = take_until(fields, ' ');
  const auto host = HostName::parse(name);
  if (!address || !host || host->view() != name) return std::nullopt;
  const auto answered_ms = parse_whole<std::int64_t>(take_until(fields, ' '));
  const auto expires_ms = parse_whole<std::int64_t>(take_until(fields, ' '));
  if (!answered_ms || !expires_ms || !fields.empty()) return std::nullopt;
  return AddressRecord{*address, std::string(name), *answered_ms, *expires_ms};
}

}  // namespace

struct AddressLog::Loading {
  AddressLog& log;
  std::int64_t now_ms;
  Filter filter;

  bool restore(std::string_view fields) noexcept {
    const auto record = parse_record(fields);
    if (!record) return false;
    const bool is_good = filter(*record) && log.table_.restore(*record, now_ms);
    ++(is_good ? log.restored_.records : log.restored_.rejected);
    return true;
  }
};

Result<std::unique_ptr<AddressLog>> AddressLog::open(Reactor& reactor, const std::string& path,
                                                     DnsCache& table, std::int64_t now_ms,
                                                     Filter filter) {
  std::unique_ptr<AddressLog> log(new AddressLog(table));
  Loading loading{.log = *log, .now_ms = now_ms, .filter = filter};
  log->log_ = TRY(RecordLog::open(reactor, path, "picortex-addresses 1",
                                  RecordLog::Restore::to<&Loading::restore>(loading)));
  log->restored_.damaged = static_cast<std::size_t>(
      std::ranges::count_if(log->log_->damaged(), [](std::size_t lines) { return lines > 0; }));
  table.begin_walk();
  while (log->copy_some(now_ms)) continue;
  table.set_recorder(log.get());
  return log;
}

AddressLog::~AddressLog() { table_.set_recorder(nullptr); }

void AddressLog::on_address(const AddressRecord& record) noexcept {
  log_->append(fmt::format("{} {} {} {}", to_string(record.address), record.name,
                           record.answered_ms, record.expires_ms));
}

// Returns whether there is more to copy.
bool AddressLog::copy_some(std::int64_t now_ms) {
  const bool is_more = table_.walk(kCopiedPerTick, [&](const AddressRecord& record) {
    if (record.expires_ms > now_ms) on_address(record);
  });
  if (!is_more) log_->end_copy();
  return is_more;
}

void AddressLog::tick(std::int64_t now_ms) {
  if (log_->tick()) table_.begin_walk();
  // Otherwise the copy would only wait in memory.
  if (log_->is_copying() && log_->can_write()) copy_some(now_ms);
}

}  // namespace picortex
