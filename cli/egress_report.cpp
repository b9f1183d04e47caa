#include "cli/egress_report.h"

#include <algorithm>

#include "base/json_text.h"
#include "base/timestamp.h"

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

}  // namespace

EgressReport::EgressReport(const Reactor& reactor, EgressMode mode, const EgressJournal& journal,
                           const EgressSink& sink)
    : reactor_(reactor),
      mode_(mode),
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

}  // namespace picortex
