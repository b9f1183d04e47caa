#include "daemon/egress/egress_endpoint.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/parse.h"
#include "handlers/query/query_parameters.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

constexpr std::chrono::milliseconds kSlice{2};

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

void append_hosts(JsonObject& report, const EgressHostsPage& page,
                  EgressHostsFilter::Verdict verdict) {
  {
    JsonArray hosts = report.array("hosts");
    for (const EgressHost& host : page.hosts) append_host(hosts.object(), host);
  }
  report.number("hosts_total", page.total).number("hosts_evicted", page.evicted);
  report.number("hosts_matching", page.matching(verdict));
  report.object("hosts_by_verdict")
      .number("any", page.any)
      .number("denied", page.denied)
      .number("allowed", page.allowed);
  if (!page.has_more || page.hosts.empty()) {
    report.null("next_cursor");
    return;
  }
  const EgressHost& last = page.hosts.back();
  report.text("next_cursor", EgressHostCursor{last.last_seen_ms, last.name, last.port}.text());
}

Result<void> read_parameter(EgressRequest& request, const std::string& name,
                            const std::string& value) {
  constexpr std::size_t kTextSizeMax = 256;
  if (name == "text") {
    if (value.size() > kTextSizeMax) return failure("text is longer than 256 bytes");
    request.filter.text = value;
  } else if (name == "verdict") {
    const auto verdict = parse_verdict(value);
    if (!verdict) return failure("verdict is not one of any, denied, allowed");
    request.filter.verdict = *verdict;
  } else if (name == "since" || name == "until") {
    const auto time = parse_time_parameter(value);
    if (!time) return failure(name + ' ' + std::string(kTimeParameter));
    (name == "since" ? request.filter.since_ms : request.filter.until_ms) = *time;
  } else if (name == "limit") {
    const auto limit = parse_whole<std::size_t>(value, 1, EgressHostsQuery::kLimitMax);
    if (!limit) return failure("limit is not a number from 1 to 1000");
    request.limit = *limit;
  } else if (name == "cursor") {
    request.after = EgressHostCursor::parse(value);
    if (!request.after) return failure("cursor is not a next_cursor of an earlier answer");
  } else {
    return failure(name.substr(0, 64) + " is not a parameter of this endpoint");
  }
  return {};
}

}  // namespace

Result<EgressRequest> parse_egress_request(std::string_view query) {
  EgressRequest request;
  const FormPairs pairs = TRY(parse_form(query));
  for (const auto& [name, value] : pairs) {
    if (!value.empty()) TRY(read_parameter(request, name, value));
  }
  return request;
}

EgressEndpoint::EgressEndpoint(const Reactor& reactor, EgressMode mode, QueryRunner& runner,
                               const EgressJournal& journal, const InternalEventSink& sink,
                               const std::unique_ptr<Fence>& fence)
    : reactor_(reactor),
      mode_(mode),
      runner_(runner),
      journal_(journal),
      sink_(sink),
      fence_(fence),
      since_ms_(reactor.unix_ms()) {
  for (std::size_t i = 0; i < kAnswersMax; ++i) free_.push_back(&answers_.emplace_back(*this));
}

void EgressEndpoint::get(http::Exchange& exchange) noexcept {
  auto request = parse_egress_request(exchange.request().query);
  if (!request) return exchange.fail(400, request.error().what);
  if (free_.empty()) {
    return exchange.fail(503, "Too many queries are running; try again later",
                         "Retry-After: 1\r\n");
  }
  Answer& answer = *free_.back();
  free_.pop_back();
  answer.exchange = &exchange;
  answer.since = reactor_.now();
  runner_.start(answer.query,
                std::make_unique<EgressHostsQuery>(std::move(request->filter),
                                                   std::move(request->after), request->limit),
                {.time_max = kSlice});
}

void EgressEndpoint::look_at(Answer& answer) {
  if (answer.query.has_failed() || !answer.exchange->is_wanted()) {
    return finish(answer, nullptr, {});
  }
  if (!answer.hosts().is_done()) {
    if (reactor_.now() - answer.since < kTimeMax) return;
    return finish(answer, nullptr, {});
  }
  const auto verdict = answer.hosts().filter().verdict;
  const EgressHostsPage page = answer.hosts().take_page();
  finish(answer, &page, verdict);
}

// `page`: null if the hosts cannot be read; the rest is known all the same.
void EgressEndpoint::finish(Answer& answer, const EgressHostsPage* page,
                            EgressHostsFilter::Verdict verdict) {
  std::string body;
  {
    JsonObject report(body);
    append_stats(report);
    append_rules(report);
    if (page == nullptr) {
      report.null("hosts");
    } else {
      append_hosts(report, *page, verdict);
    }
  }
  // The answer may bring the next request of the connection, which may take this very place.
  http::Exchange& exchange = *answer.exchange;
  runner_.end(answer.query);
  free_.push_back(&answer);
  exchange.respond({.body = body});
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

}  // namespace picortex
