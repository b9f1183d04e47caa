#include "cli/egress_report.h"

#include <algorithm>
#include <utility>

#include "base/json_text.h"
#include "base/timestamp.h"
#include "netfilter/packet.h"

namespace picortex {
namespace {

void append_count(std::string& out, const char* name, std::uint64_t value) {
  out.append(",\"").append(name).append("\":");
  append_json_number(out, value);
}

void append_rule(std::string& out, const RuleUses::Use& use, std::int64_t now_ms) {
  out += "{\"rule\":";
  append_json_string(out, use.text);
  out += ",\"source\":";
  append_json_string(out, source_label(use.source));
  append_count(out, "line", use.line);
  append_count(out, "hits", use.hits);
  out += ",\"last_used\":";
  if (use.hits == 0) {
    out += "null";
  } else {
    append_json_string(out, iso_time(use.last_ms));
  }
  out += use.expires_ms <= now_ms ? ",\"expired\":true}" : ",\"expired\":false}";
}

void append_host(std::string& out, const EgressHost& host) {
  out += "{\"host\":";
  append_json_string(out, host.name);
  append_count(out, "port", host.port);
  out.append(",\"protocol\":\"").append(protocol_label(host.protocol));
  out.append("\",\"verdict\":\"").append(outcome_label(host.outcome));
  out += '"';
  append_count(out, "attempts", static_cast<std::uint64_t>(host.attempts));
  out.append(",\"first_seen\":\"").append(iso_time(host.first_seen_ms));
  out.append("\",\"last_seen\":\"").append(iso_time(host.last_seen_ms));
  out += "\",\"last_request\":";
  if (host.last_request.is_nil()) {
    out += "null}";
  } else {
    out.append("\"").append(to_string(host.last_request)).append("\"}");
  }
}

}  // namespace

EgressReport::EgressReport(const Reactor& reactor, EgressMode mode, std::string data_dir,
                           const EgressJournal& journal, const OwnEvents& sink)
    : reactor_(reactor),
      mode_(mode),
      data_dir_(std::move(data_dir)),
      journal_(journal),
      sink_(sink),
      since_ms_(reactor.unix_ms()) {}

void EgressReport::append(std::string& out) noexcept {
  const EgressFigures figures = journal_.figures();
  out.append("{\"mode\":\"").append(mode_label(mode_));
  out.append("\",\"since\":\"").append(iso_time(since_ms_)).append("\"");
  append_count(out, "allowed", figures.allowed);
  append_count(out, "learned", figures.learned);
  append_count(out, "refused", figures.refused);
  append_count(out, "new_hosts", figures.new_hosts);
  append_count(out, "unattributed", figures.unattributed);
  append_count(out, "untold", figures.untold);
  append_count(out, "rows_dropped", sink_.dropped());
  append_rules(out);
  append_hosts(out);
  out += '}';
}

void EgressReport::append_rules(std::string& out) const {
  const std::vector<RuleUses::Use>& uses = journal_.uses().all();
  out += ",\"rules\":[";
  for (std::size_t i = 0; i < std::min(uses.size(), kRulesMax); ++i) {
    if (i > 0) out += ',';
    append_rule(out, uses[i], reactor_.unix_ms());
  }
  out += ']';
  append_count(out, "rules_left_out", uses.size() > kRulesMax ? uses.size() - kRulesMax : 0);
}

void EgressReport::append_hosts(std::string& out) {
  const auto hosts = read_hosts();
  out += ",\"hosts\":";
  if (!hosts) {
    out += "null";
    return;
  }
  out += '[';
  for (const EgressHost& host : *hosts) {
    if (&host != &hosts->front()) out += ',';
    append_host(out, host);
  }
  out += ']';
}

// A few hundred rows by their index: well below a millisecond.
StoreResult<std::vector<EgressHost>> EgressReport::read_hosts() {
  if (!reader_) {
    auto opened = EgressHostReader::open(data_dir_);
    if (!opened) return std::unexpected(std::move(opened.error()));
    reader_ = std::move(*opened);
  }
  auto hosts = reader_->newest(kHostsMax);
  if (!hosts) reader_.reset();
  return hosts;
}

}  // namespace picortex
