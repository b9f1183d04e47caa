#include <simdjson.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/net/socket_address.h"
#include "base/terminal.h"
#include "base/version.h"
#include "cli/client/event_post.h"
#include "cli/client/http_client.h"
#include "cli/doctor/checks.h"
#include "netfilter/kernel/sock_diag_query.h"

namespace picortex {
namespace {

using simdjson::dom::element;

constexpr std::chrono::seconds kPatience{3};

std::string start(const Examined& examined) {
  if (examined.host.has_systemd()) return "systemctl restart picortex";
  const std::string config =
      examined.config.file.empty() ? "" : " --config " + shell_word(examined.config.file);
  return "picortex serve" + config + " &";
}

std::string text_of(const element& document, const char* name) {
  std::string_view text;
  return document[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

// While the daemon is down, any user can listen on its port and receive what clients send.
bool check_owner(const Examined& examined, const ListenAddress& server, Findings& findings) {
  if (server.family() == AF_UNIX) return true;
  SocketAddress address;
  std::memcpy(&address.any, server.socket_address(), server.socket_address_size());
  auto sockets = SockDiagQuery::open();
  if (!sockets) return true;
  const auto owner = sockets->find_listener(address.address(), server.port());
  if (!owner || owner->uid == 0 || owner->uid == examined.daemon_user.uid) return true;
  findings.problem("daemon.owner",
                   server.text() + " belongs to " + examined.host.user_of(owner->uid).name +
                       ", not to root or " + examined.daemon_user.name +
                       ": it is another program, which receives what clients send",
                   "fuser -k " + std::to_string(server.port()) + "/tcp && " + start(examined));
  return false;
}

void check_version(const Examined& examined, const element& health, Findings& findings) {
  const std::string version = text_of(health, "version");
  const std::string commit = text_of(health, "commit");
  if (version == kVersion && commit == kCommit) {
    return findings.ok("daemon.version", "it is " + version + " (" + commit + "), as this command");
  }
  findings.warning("daemon.version",
                   "the daemon that runs is " + display(version) + " (" + display(commit) +
                       "), and this command " + std::string(kVersion) + " (" +
                       std::string(kCommit) + ')',
                   start(examined));
}

// Reports what the daemon itself says about its health. Returns false when it does not say it.
bool report_problems(const element& status, Findings& findings) {
  simdjson::dom::array problems;
  if (status["health"]["problems"].get(problems) != simdjson::SUCCESS) return false;
  for (const element problem : problems) {
    findings.problem("daemon." + text_of(problem, "part"), text_of(problem, "reason"),
                     text_of(problem, "fix"));
  }
  return true;
}

void check_mode(const Examined& examined, const element& status, Findings& findings) {
  std::string_view mode;
  if (status["egress"]["mode"].get(mode) != simdjson::SUCCESS) return;
  const std::string_view wanted = mode_label(examined.options().egress_mode);
  if (mode == wanted) return;
  findings.problem("daemon.egress_mode",
                   "the daemon runs with the egress mode " + display(mode) +
                       ", and the configuration says " + std::string(wanted),
                   start(examined));
}

// What only the token's holders may read.
void check_status(const Examined& examined, const ListenAddress& server, bool is_ok,
                  Findings& findings) {
  const auto token = read_token(examined.options().data_dir);
  const auto reply =
      token ? ask(server, {.method = "GET", .path = "/api/status", .token = &*token}, kPatience)
            : Result<HttpReply>(std::unexpected(token.error()));
  simdjson::dom::parser parser;
  element status;
  const bool is_read =
      reply && reply->status == 200 && parser.parse(reply->body).get(status) == simdjson::SUCCESS;
  if (is_read) check_mode(examined, status, findings);
  if (is_read && report_problems(status, findings)) return;
  if (is_ok)
    return findings.skipped(
        "daemon.status",
        "the daemon's details need its token: run it as root or " + examined.daemon_user.name);
  findings.problem("daemon.health", "the daemon is degraded; reading why needs its token",
                   "sudo picortex doctor");
}

void check_health(const Examined& examined, const ListenAddress& server, const HttpReply& reply,
                  Findings& findings) {
  simdjson::dom::parser parser;
  element health;
  const bool is_json = parser.parse(reply.body).get(health) == simdjson::SUCCESS;
  const std::string status = is_json ? text_of(health, "status") : std::string();
  if (status.empty()) {
    return findings.problem(
        "daemon.reachable",
        server.text() +
            " answers with something that is not picortex's health: another program listens there",
        "ss -ltnp 'sport = :" + std::to_string(server.port()) + "'");
  }
  findings.ok("daemon.reachable", "the daemon answers at " + server.text());
  if (!check_owner(examined, server, findings)) return;
  check_version(examined, health, findings);
  check_status(examined, server, status == "ok", findings);
}

}  // namespace

void check_daemon(const Examined& examined, Findings& findings) {
  const ListenAddress server = examined.options().listen.front().reachable();
  if (server.family() != AF_UNIX && server.port() == 0) {
    return findings.skipped("daemon.reachable", "--listen names no port to ask");
  }
  const auto reply = ask(server, {.method = "GET", .path = "/health"}, kPatience);
  if (reply) return check_health(examined, server, *reply, findings);
  const int code = reply.error().code;
  if (code == EACCES || code == EPERM)
    return findings.skipped("daemon.reachable", reply.error().what);
  const bool is_free = code == ECONNREFUSED || code == ENOENT;
  if (!is_free && !check_owner(examined, server, findings)) return;
  findings.problem("daemon.reachable", reply.error().what, start(examined));
}

}  // namespace picortex
