// `picortex egress request`, `proposals` and `approve`.
#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "base/json/json_object.h"
#include "base/parse.h"
#include "base/terminal.h"
#include "base/time/clock.h"
#include "cli/client/event_post.h"
#include "cli/client/http_client.h"
#include "cli/commands/time_expression.h"
#include "cli/egress/allowlist_files.h"
#include "cli/egress/egress_command.h"
#include "cli/egress/look_alike.h"
#include "storage/egress_host_table.h"
#include "storage/query/query.h"

namespace picortex {
namespace {

constexpr std::string_view kProposal = "egress.proposal";
constexpr std::size_t kProposalsMax = 1000;  // the newest are read
constexpr std::size_t kTrustedMax = 2000;    // names that a proposed one is compared with

struct Proposal {
  std::int64_t number = 0;  // its place in the order of arrival, which no other event has
  std::int64_t time_ms = 0;
  Uuid request_id;
  bool names_turn = false;
  std::string chat_id;
  std::string host;  // HOST, HOST:PORT, ADDRESS or [ADDRESS]:PORT
  std::string reason;
};

std::optional<Proposal> read_proposal(const EventRow& row) {
  simdjson::dom::parser parser;
  const auto data = parser.parse(row.data);
  std::string_view host;
  std::string_view reason;
  if (data["host"].get(host) != simdjson::SUCCESS ||
      data["reason"].get(reason) != simdjson::SUCCESS || pattern_problem(host) != nullptr) {
    return std::nullopt;
  }
  Proposal proposal{.number = row.arrival,
                    .time_ms = row.time_ms,
                    .request_id = row.request_id,
                    .chat_id = row.chat_id,
                    .host = std::string(host),
                    .reason = std::string(reason)};
  if (data["names_turn"].get(proposal.names_turn) != simdjson::SUCCESS) {
    proposal.names_turn = false;
  }
  return proposal;
}

// The newest first.
Result<std::vector<Proposal>> read_proposals(const std::string& data_dir) {
  auto reader = EventReader::open(data_dir);
  if (!reader) return failure(reader.error().what);
  EventFilter filter;
  filter.event_type = kProposal;
  EventQuery query(**reader, std::move(filter));
  std::vector<EventRow> rows;
  while (!query.is_done() && rows.size() < kProposalsMax) {
    QueryBudget budget;
    budget.rows_max = kProposalsMax;
    if (auto run = query.run(rows, budget); !run) return failure(run.error().what);
  }
  std::vector<Proposal> proposals;
  for (const EventRow& row : rows) {
    if (auto proposal = read_proposal(row)) proposals.push_back(*std::move(proposal));
  }
  return proposals;
}

// What is known about a proposed host apart from what the agent says.
class HostEvidence {
 public:
  HostEvidence(const std::vector<EgressHost>& hosts, const Allowlist& rules) : rules_(rules) {
    for (const EgressHost& host : hosts) {
      Seen& seen = seen_[host.name];
      if (seen.first_ms == 0 || host.first_seen_ms < seen.first_ms) {
        seen.first_ms = host.first_seen_ms;
      }
      seen.denied += host.denied;
      seen.was_resolved |= host.allowed + host.learned > 0;
    }
    for (const Rule& rule : rules.rules()) {
      if (rule.kind != RuleKind::network && trusted_.size() < kTrustedMax) {
        trusted_.push_back(rule.name);
      }
    }
  }

  void print(const Proposal& proposal, std::int64_t now_ms) const {
    Allowlist own;
    own.add(proposal.host, RuleSource::list);
    const Rule& rule = own.rules().front();
    const bool is_name = rule.kind == RuleKind::host;
    const std::string host = is_name ? rule.name : to_string(rule.network.address);
    const auto seen = seen_.find(host);
    if (seen == seen_.end()) {
      std::printf("    never attempted\n");
    } else {
      std::printf("    first seen %s, denied %lld times%s\n",
                  local_time(seen->second.first_ms).substr(0, 19).c_str(),
                  static_cast<long long>(seen->second.denied),
                  seen->second.was_resolved ? ", was allowed before" : ", never resolved");
    }
    if (is_name) {
      const std::string_view known = resembled(host, trusted_);
      if (!known.empty()) {
        std::printf("    CAREFUL: looks like %s, which is another host\n", visible(known).c_str());
      }
    }
    const auto found = is_name ? rules_.match({.name = host, .port = rule.port}, now_ms)
                               : rules_.match(rule.network.address, rule.port, now_ms);
    if (found) {
      std::printf("    allowed now by %s\n", visible(rules_.rules()[*found].text).c_str());
    }
  }

 private:
  struct Seen {
    std::int64_t first_ms = 0;
    std::int64_t denied = 0;
    bool was_resolved = false;
  };
  const Allowlist& rules_;
  std::map<std::string, Seen, std::less<>> seen_;
  std::vector<std::string> trusted_;
};

std::string error_of(const HttpReply& reply) {
  simdjson::dom::parser parser;
  std::string_view text;
  if (parser.parse(reply.body)["message"].get(text) != simdjson::SUCCESS) text = {};
  return "the daemon answered with HTTP status " + std::to_string(reply.status) +
         (text.empty() ? "" : ": " + visible(text));
}

}  // namespace

int egress_request(const EgressOptions& options) {
  if (options.reason.empty()) {
    return egress_failed(2, "--reason is needed: say what the host is wanted for");
  }
  std::string body;
  {
    JsonObject json(body);
    json.text("host", options.argument).text("reason", options.reason);
    if (const char* turn = std::getenv("PICORTEX_REQUEST_ID"); turn != nullptr && *turn != '\0') {
      json.text("request_id", turn);
    }
  }
  const auto token = read_token(options.data_dir);
  const auto reply = ask(options.server,
                         {.method = "POST",
                          .path = "/api/egress/proposals",
                          .content_type = "application/json",
                          .token = token ? &*token : nullptr,
                          .body = body},
                         std::chrono::seconds(5));
  if (!reply) return egress_failed(1, reply.error().what);
  if (reply->status != 200) return egress_failed(1, error_of(*reply));
  std::printf("asked for %s: it stays denied until the operator approves it\n",
              visible(options.argument).c_str());
  return 0;
}

int egress_proposals(const EgressOptions& options) {
  const auto proposals = read_proposals(options.data_dir);
  if (!proposals) return egress_failed(1, proposals.error().what);
  const auto hosts = read_egress_hosts(options.data_dir);
  if (!hosts) return egress_failed(1, hosts.error().what);
  std::string problems;
  const auto rules = load_rules(options.allowlist, options.data_dir, problems);
  if (!rules) return egress_failed(1, rules.error().what);
  if (proposals->empty()) std::printf("the agent has asked for nothing\n");
  const HostEvidence evidence(*hosts, *rules);
  for (const Proposal& proposal : *proposals) {
    std::printf("%lld  %s  %s\n", static_cast<long long>(proposal.number),
                local_time(proposal.time_ms).substr(0, 19).c_str(), visible(proposal.host).c_str());
    std::printf("    the agent says: %s\n", visible(proposal.reason).c_str());
    if (proposal.names_turn) {
      std::printf("    for the turn: picortex why %s\n", to_string(proposal.request_id).c_str());
    }
    evidence.print(proposal, kSystemClock.unix_ms());
  }
  return 0;
}

int egress_approve(const EgressOptions& options) {
  const auto number = parse_whole<std::int64_t>(options.argument, 1);
  if (!number) {
    return egress_failed(2, display(options.argument) + " is no number of egress proposals");
  }
  const auto proposals = read_proposals(options.data_dir);
  if (!proposals) return egress_failed(1, proposals.error().what);
  for (const Proposal& proposal : *proposals) {
    if (proposal.number != *number) continue;
    EgressOptions allow = options;
    allow.argument = proposal.host;
    return egress_allow(allow);
  }
  return egress_failed(1, "there is no proposal " + std::to_string(*number));
}

}  // namespace picortex
