#include "storage/query/egress_hosts_query.h"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "base/ascii.h"
#include "base/parse.h"

namespace picortex {
namespace {

constexpr std::size_t kRowsOfStep = 128;
constexpr std::size_t kNameSizeMax = 253;

// Whether the place (time, name, port) is before the other in the order of the list.
bool is_before(std::int64_t ms, std::string_view name, std::uint16_t port, std::int64_t other_ms,
               std::string_view other_name, std::uint16_t other_port) noexcept {
  if (ms != other_ms) return ms > other_ms;
  return std::tie(name, port) < std::tie(other_name, other_port);
}

bool precedes(const EgressHost& left, const EgressHost& right) noexcept {
  return is_before(left.last_seen_ms, left.name, left.port, right.last_seen_ms, right.name,
                   right.port);
}

bool is_denied(const EgressHost& host) noexcept { return host.outcome == EgressOutcome::denied; }

bool is_allowed(const EgressHost& host) noexcept {
  return !is_denied(host) || host.allowed > 0 || host.learned > 0;
}

}  // namespace

std::string_view verdict_label(EgressHostsFilter::Verdict verdict) noexcept {
  switch (verdict) {
    case EgressHostsFilter::Verdict::denied:
      return "denied";
    case EgressHostsFilter::Verdict::allowed:
      return "allowed";
    case EgressHostsFilter::Verdict::any:
      break;
  }
  return "any";
}

std::optional<EgressHostsFilter::Verdict> parse_verdict(std::string_view text) noexcept {
  using Verdict = EgressHostsFilter::Verdict;
  for (const Verdict verdict : {Verdict::any, Verdict::denied, Verdict::allowed}) {
    if (text == verdict_label(verdict)) return verdict;
  }
  return std::nullopt;
}

// TIME.PORT.NAME, the name in hexadecimal digits, since it may hold any bytes.
std::string EgressHostCursor::text() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = std::to_string(last_seen_ms) + '.' + std::to_string(port) + '.';
  for (const char c : name) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

std::optional<EgressHostCursor> EgressHostCursor::parse(std::string_view text) {
  const std::size_t first = text.find('.');
  const std::size_t second = first == text.npos ? text.npos : text.find('.', first + 1);
  if (second == text.npos) return std::nullopt;
  const auto ms = parse_whole<std::int64_t>(text.substr(0, first), 0, kLatestUnixMs);
  const auto port = parse_whole<std::uint16_t>(text.substr(first + 1, second - first - 1));
  const std::string_view digits = text.substr(second + 1);
  if (!ms || !port || digits.size() % 2 != 0 || digits.size() > 2 * kNameSizeMax) {
    return std::nullopt;
  }
  EgressHostCursor cursor{.last_seen_ms = *ms, .name = {}, .port = *port};
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_value(digits[i]);
    const int low = hex_value(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    cursor.name += static_cast<char>(high * 16 + low);
  }
  return cursor;
}

std::int64_t EgressHostsPage::matching(EgressHostsFilter::Verdict verdict) const noexcept {
  switch (verdict) {
    case EgressHostsFilter::Verdict::denied:
      return denied;
    case EgressHostsFilter::Verdict::allowed:
      return allowed;
    case EgressHostsFilter::Verdict::any:
      break;
  }
  return any;
}

EgressHostsQuery::EgressHostsQuery(EgressHostsFilter filter, std::optional<EgressHostCursor> after,
                                   std::size_t limit)
    : filter_(std::move(filter)), after_(std::move(after)), limit_(limit) {
  for (char& c : filter_.text) c = lower(c);
}

StoreResult<void> EgressHostsQuery::run(EventReader& reader, const QueryBudget& budget) {
  const auto begin = std::chrono::steady_clock::now();
  while (!is_done_) {
    rows_.clear();
    TRY(reader.scan_egress_hosts(reached_name_, reached_port_, kRowsOfStep, rows_));
    is_done_ = rows_.size() < kRowsOfStep;
    if (!rows_.empty()) {
      reached_name_ = rows_.back().name;
      reached_port_ = rows_.back().port;
    }
    for (EgressHost& host : rows_) take(host);
    if (std::chrono::steady_clock::now() - begin >= budget.time_max) break;
  }
  if (is_done_) page_.evicted = TRY(reader.total(kEgressHostsEvicted, 0));
  return {};
}

void EgressHostsQuery::take(EgressHost& host) {
  ++page_.total;
  if (!fits(host)) return;
  ++page_.any;
  page_.denied += is_denied(host) ? 1 : 0;
  page_.allowed += is_allowed(host) ? 1 : 0;
  if (filter_.verdict == EgressHostsFilter::Verdict::denied && !is_denied(host)) return;
  if (filter_.verdict == EgressHostsFilter::Verdict::allowed && !is_allowed(host)) return;
  const bool is_after = !after_ || is_before(after_->last_seen_ms, after_->name, after_->port,
                                             host.last_seen_ms, host.name, host.port);
  if (is_after) keep(host);
}

bool EgressHostsQuery::fits(const EgressHost& host) {
  if (host.last_seen_ms < filter_.since_ms || host.last_seen_ms >= filter_.until_ms) return false;
  if (filter_.text.empty()) return true;
  scratch_ = host.name;
  scratch_.append(1, ':').append(std::to_string(host.port));
  for (char& c : scratch_) c = lower(c);
  return scratch_.find(filter_.text) != scratch_.npos;
}

void EgressHostsQuery::keep(EgressHost& host) {
  std::vector<EgressHost>& kept = page_.hosts;
  if (kept.size() == limit_) {
    page_.has_more = true;
    if (!precedes(host, kept.front())) return;
    std::ranges::pop_heap(kept, precedes);
    kept.back() = std::move(host);
  } else {
    kept.push_back(std::move(host));
  }
  std::ranges::push_heap(kept, precedes);
}

EgressHostsPage EgressHostsQuery::take_page() {
  std::ranges::sort_heap(page_.hosts, precedes);
  return std::move(page_);
}

}  // namespace picortex
