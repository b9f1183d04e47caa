#include "daemon/egress/egress_endpoint.h"

#include <algorithm>
#include <span>
#include <utility>

#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

void append_upload(JsonObject& rule, const std::optional<UploadMeter::Use>& upload) {
  if (!upload) {
    rule.null("upload");
    return;
  }
  JsonObject json = rule.object("upload");
  json.text("budget", upload_text(upload->budget));
  if (upload->budget.window_bytes != 0) json.number("used", upload->bytes);
  json.boolean("spent", upload->is_spent);
}

void append_rule(JsonObject& rule, const RuleUses::Use& use, std::int64_t now_ms) {
  rule.text("rule", use.text).text("source", source_label(use.source));
  rule.number("line", use.line).number("hits", use.hits);
  rule.number("bytes_up", use.bytes_up).number("bytes_down", use.bytes_down);
  if (use.hits == 0) {
    rule.null("last_used");
  } else {
    rule.time("last_used", use.last_ms);
  }
  rule.boolean("expired", use.expires_ms <= now_ms);
}

void append_host(JsonObject json, const EgressHost& host) {
  json.text("host", host.name).number("port", host.port);
  json.text("protocol", protocol_label(host.protocol)).text("verdict", outcome_label(host.outcome));
  json.number("attempts", host.attempts).number("allowed", host.allowed);
  json.number("learned", host.learned).number("denied", host.denied);
  json.number("connections_ended", host.connections_ended);
  json.number("bytes_up", host.bytes_up).number("bytes_down", host.bytes_down);
  json.time("first_seen", host.first_seen_ms).time("last_seen", host.last_seen_ms);
  if (host.last_request.is_nil()) {
    json.null("last_request");
  } else {
    json.id("last_request", host.last_request);
  }
}

}  // namespace

EgressEndpoint::EgressEndpoint(const Reactor& reactor, EgressMode mode, std::string data_dir,
                               const EgressJournal& journal, const InternalEventSink& sink,
                               const std::unique_ptr<Fence>& fence)
    : reactor_(reactor),
      mode_(mode),
      data_dir_(std::move(data_dir)),
      journal_(journal),
      sink_(sink),
      fence_(fence),
      since_ms_(reactor.unix_ms()) {}

void EgressEndpoint::get(http::Exchange& exchange) noexcept {
  body_.clear();
  {
    JsonObject report(body_);
    append_stats(report);
    append_rules(report);
    append_hosts(report);
  }
  exchange.respond({.body = body_});
}

void EgressEndpoint::append_stats(JsonObject& report) const {
  const EgressStats stats = journal_.stats();
  report.text("mode", mode_label(mode_)).time("since", since_ms_);
  report.number("allowed", stats.allowed)
      .number("learned", stats.learned)
      .number("denied", stats.denied)
      .number("new_hosts", stats.new_hosts)
      .number("unattributed", stats.unattributed)
      .number("suppressed", stats.suppressed())
      .number("suppressed_names", stats.suppressed_names)
      .number("suppressed_denied", stats.suppressed_denied)
      .number("suppressed_allowed", stats.suppressed_allowed)
      .number("rows_dropped", sink_.dropped());
}

void EgressEndpoint::append_rules(JsonObject& report) const {
  const std::span<const RuleUses::Use> uses = journal_.uses().all();
  {
    JsonArray rules = report.array("rules");
    const std::size_t shown = std::min(uses.size(), kRulesMax);
    for (RuleIndex i = 0; i < shown; ++i) {
      JsonObject rule = rules.object();
      append_rule(rule, uses[i], reactor_.unix_ms());
      append_upload(rule, fence_ != nullptr ? fence_->upload_of(i) : std::nullopt);
    }
  }
  report.number("rules_left_out", uses.size() > kRulesMax ? uses.size() - kRulesMax : 0);
}

void EgressEndpoint::append_hosts(JsonObject& report) {
  const auto hosts = read_hosts();
  if (!hosts) {
    report.null("hosts");
    return;
  }
  JsonArray shown = report.array("hosts");
  for (const EgressHost& host : *hosts) append_host(shown.object(), host);
}

// Reads a few hundred rows by their index, which takes well below a millisecond.
StoreResult<std::vector<EgressHost>> EgressEndpoint::read_hosts() {
  if (!reader_) {
    reader_ = TRY(EgressHostReader::open(data_dir_));
  }
  auto hosts = reader_->newest(kHostsMax);
  if (!hosts) reader_.reset();
  return hosts;
}

}  // namespace picortex
