#include "daemon/egress/why_endpoint.h"

#include "handlers/query/query_parameters.h"
#include "netfilter/report/denial_texts.h"
#include "netfilter/report/egress_texts.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

// Reads the only parameter: a host's name, normalised, or an address.
Result<std::string> read_asked_host(std::string_view query) {
  const auto pairs = parse_form(query);
  if (!pairs) return std::unexpected(pairs.error());
  if (pairs->size() != 1 || pairs->front().first != "host") {
    return failure("host is the one parameter of this path");
  }
  const std::string& text = pairs->front().second;
  if (const auto address = parse_ip_address(text)) return to_string(*address);
  const auto name = HostName::parse(text);
  if (!name) return failure("host is neither a host's name nor an IP address");
  return std::string(name->view());
}

bool is_among(std::string_view name, std::string_view candidates) noexcept {
  while (!candidates.empty()) {
    const std::size_t end = candidates.find(", ");
    if (candidates.substr(0, end) == name) return true;
    candidates.remove_prefix(end == candidates.npos ? candidates.size() : end + 2);
  }
  return false;
}

bool is_about(const Denial& denial, std::string_view host) noexcept {
  return denial.host == host || denial.address == host || is_among(host, denial.candidates);
}

void append_attempt(JsonObject& json, const Denial& denial) {
  json.text("host", denial.host).text_or_null("address", denial.address);
  if (denial.port == 0) {
    json.null("port");
  } else {
    json.number("port", denial.port);
  }
  json.text("protocol", protocol_label(denial.protocol));
  json.text("reason", reason_label(denial.reason)).text("meaning", reason_clause(denial.reason));
  json.text_or_null("operator_command", operator_command(denial));
  json.number("count", denial.count).time("first", denial.first_ms).time("last", denial.last_ms);
}

void append_sender(JsonObject& json, const Denial& denial) {
  json.number("uid", denial.uid);
  if (denial.pid == 0) {
    json.null("client_pid");
  } else {
    json.number("client_pid", denial.pid);
  }
  json.text_or_null("executable", denial.executable).text_or_null("chat_id", denial.ids.chat_id);
  if (denial.ids.request_id.is_nil()) {
    json.null("request_id");
  } else {
    json.id("request_id", denial.ids.request_id);
  }
}

}  // namespace

WhyEndpoint::WhyEndpoint(const Reactor& reactor, const EgressJournal& journal,
                         const std::unique_ptr<Fence>& fence, FencedCaller& caller)
    : reactor_(reactor),
      journal_(journal),
      fence_(fence),
      caller_(caller),
      since_ms_(reactor.unix_ms()) {}

void WhyEndpoint::get(http::Exchange& exchange) noexcept {
  const bool may_read = exchange.scopes().grant(http::Scope::read);
  if (!may_read && !caller_.is_sender_of(exchange)) {
    return exchange.fail(401,
                         "Only the fenced user itself, or a token or user with the scope read, may "
                         "ask why a host was denied",
                         "WWW-Authenticate: Bearer\r\n");
  }
  const auto host = read_asked_host(exchange.request().query);
  if (!host) return exchange.fail(400, host.error().what);
  const View view = may_read ? View::everything : View::own_attempts;
  body_.clear();
  {
    JsonObject answer(body_);
    answer.text("host", *host).time("since", since_ms_);
    append_denials(answer, *host, view);
    if (view == View::everything) append_rule(answer, *host);
  }
  exchange.respond({.body = body_});
}

void WhyEndpoint::append_denials(JsonObject& answer, std::string_view host, View view) const {
  JsonArray denials = answer.array("denials");
  std::size_t count = 0;
  journal_.denials().find([&](const Denial& denial) {
    const bool is_shown =
        is_about(denial, host) &&
        (view == View::everything || (fence_ != nullptr && fence_->user().contains(denial.uid)));
    if (!is_shown) return false;
    JsonObject json = denials.object();
    append_attempt(json, denial);
    if (view == View::everything) append_sender(json, denial);
    return ++count == kDenialsMax;
  });
}

void WhyEndpoint::append_rule(JsonObject& answer, std::string_view host) const {
  std::optional<RuleIndex> found;
  if (fence_ != nullptr) {
    const Allowlist& rules = fence_->allowlist();
    const auto address = parse_ip_address(host);
    found = address ? rules.match(*address, 0, reactor_.unix_ms())
                    : rules.match({.name = host}, reactor_.unix_ms());
  }
  if (!found) {
    answer.null("rule");
    return;
  }
  const Rule& rule = fence_->allowlist().rules()[*found];
  answer.object("rule").text("rule", rule.text).text("source", source_label(rule.source));
}

}  // namespace picortex
