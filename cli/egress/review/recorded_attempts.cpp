#include "cli/egress/review/recorded_attempts.h"

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/json/document.h"
#include "base/parse.h"
#include "netfilter/report/egress_texts.h"
#include "netfilter/wire/packet.h"
#include "storage/query/query.h"

namespace picortex {
namespace {

using simdjson::dom::element;

constexpr std::size_t kDataSizeMax = 64 * 1024;
constexpr std::size_t kRowsPerSlice = 4096;

std::string_view text_of(const element& data, std::string_view name) {
  std::string_view text;
  if (data[name].get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::int64_t number_of(const element& data, std::string_view name, std::int64_t fallback) {
  std::int64_t number = 0;
  if (data[name].get(number) != simdjson::SUCCESS) return fallback;
  return number;
}

Evidence evidence_of(std::string_view text) noexcept {
  for (const Evidence evidence : {Evidence::ip, Evidence::dns, Evidence::sni}) {
    if (text == evidence_label(evidence)) return evidence;
  }
  return Evidence::http_host;
}

// Reads "host:port" or "[address]:port", as place_of() writes it.
bool read_place(std::string_view place, RecordedAttempt& attempt) {
  const std::size_t colon = place.rfind(':');
  if (colon == place.npos) return false;
  const auto port = parse_whole<std::uint16_t>(place.substr(colon + 1), 1);
  std::string_view host = place.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!port || host.empty()) return false;
  attempt.kind = RecordedAttempt::Kind::connection;
  attempt.port = *port;
  attempt.address = parse_ip_address(host);
  attempt.host = attempt.address ? "" : host;
  attempt.evidence = attempt.address ? Evidence::ip : Evidence::dns;
  return true;
}

class AttemptReader {
 public:
  void take(const EventRow& row) {
    const bool was_allowed = row.event_type == kEgressAllowed;
    if (!was_allowed && row.event_type != kEgressRejected) return;
    if (row.data.empty() || row.data.size() > kDataSizeMax) return;
    data_.assign(row.data);
    data_.append(kJsonPadding, ' ');
    if (!document_.parse(std::span(data_).first(row.data.size()))) return;
    const element data = document_.root();
    simdjson::dom::array places;
    if (data["places"].get(places) == simdjson::SUCCESS) return take_places(places, was_allowed);
    add(read(data), was_allowed, std::max<std::int64_t>(number_of(data, "repeated", 1), 1));
  }

  std::vector<AttemptGroup> groups() && { return std::move(groups_); }

 private:
  static RecordedAttempt read(const element& data) {
    RecordedAttempt attempt;
    const std::string_view host = text_of(data, "host");
    attempt.address = parse_ip_address(text_of(data, "address"));
    if (!parse_ip_address(host)) attempt.host = host;
    attempt.evidence = evidence_of(text_of(data, "evidence"));
    attempt.reason = parse_reason(text_of(data, "reason")).value_or(Reason::undecided);
    const std::int64_t port = number_of(data, "port", -1);
    if (port >= 0) {
      attempt.kind = RecordedAttempt::Kind::connection;
      attempt.port = static_cast<std::uint16_t>(port);
      attempt.is_tcp = text_of(data, "protocol") == protocol_label(kProtocolTcp);
    } else if (attempt.address) {
      attempt.kind = RecordedAttempt::Kind::answer;
    }
    simdjson::dom::array candidates;
    if (data["candidates"].get(candidates) == simdjson::SUCCESS) {
      for (const element candidate : candidates) {
        std::string_view name;
        if (candidate.get(name) == simdjson::SUCCESS) attempt.candidates.emplace_back(name);
      }
    }
    return attempt;
  }

  // The event does not say how often each of them was attempted.
  void take_places(const simdjson::dom::array& places, bool was_allowed) {
    for (const element place : places) {
      std::string_view text;
      RecordedAttempt attempt;
      attempt.reason = was_allowed ? Reason::permitted : Reason::name_not_allowed;
      if (place.get(text) != simdjson::SUCCESS || !read_place(text, attempt)) continue;
      add(std::move(attempt), was_allowed, 1);
    }
  }

  void add(RecordedAttempt attempt, bool was_allowed, std::int64_t count) {
    key_.assign(1, was_allowed ? 'a' : 'd').append(1, static_cast<char>(attempt.kind));
    key_.append(1, static_cast<char>(attempt.reason)).append(attempt.is_tcp ? "t" : "-");
    key_.append(1, static_cast<char>(attempt.evidence)).append(std::to_string(attempt.port));
    key_.append(1, ' ').append(attempt.host).append(1, ' ');
    if (attempt.address) key_ += to_string(*attempt.address);
    for (const std::string& name : attempt.candidates) key_.append(1, ' ').append(name);
    const auto [known, is_new] = by_key_.try_emplace(key_, groups_.size());
    if (is_new) groups_.push_back({std::move(attempt), was_allowed, 0});
    groups_[known->second].count += count;
  }

  JsonDocument document_{kDataSizeMax};
  std::string data_;
  std::string key_;
  std::unordered_map<std::string, std::size_t> by_key_;
  std::vector<AttemptGroup> groups_;
};

}  // namespace

Result<std::vector<AttemptGroup>> read_attempts(const std::string& data_dir,
                                                std::int64_t since_ms) {
  auto reader = EventReader::open(data_dir);
  if (!reader) return failure(reader.error().what);
  EventFilter filter;
  filter.event_type = "egress.*";
  filter.since_ms = since_ms;
  filter.order = EventOrder::oldest_first;
  EventQuery query(**reader, std::move(filter));
  AttemptReader attempts;
  std::vector<EventRow> rows;
  while (!query.is_done()) {
    rows.clear();
    QueryBudget budget;
    budget.rows_max = kRowsPerSlice;
    budget.bytes_max = 8 * 1024 * 1024;
    budget.time_max = std::chrono::milliseconds(100);
    if (auto run = query.run(rows, budget); !run) return failure(run.error().what);
    for (const EventRow& row : rows) attempts.take(row);
  }
  return std::move(attempts).groups();
}

}  // namespace picortex
