#include "netfilter/fence.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <set>

#include "netfilter/firewall.h"
#include "netfilter/open_sockets.h"
#include "netfilter/packet.h"
#include "netfilter/resolver_holes.h"

namespace picortex {
namespace {

// The file's text; empty when there is no such file.
Result<std::string> read_list(const std::string& path) {
  if (path.empty()) return std::string();
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open() && (errno == ENOENT || errno == ENOTDIR)) return std::string();
  struct stat status {};
  if (!file.is_open() || fstat(file.number(), &status) != 0) {
    return failure("cannot read " + path + ": " + std::strerror(errno), errno);
  }
  if (!S_ISREG(status.st_mode)) return failure(path + " is not a regular file", EINVAL);
  std::string text(Allowlist::kTextSizeMax + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.number(), text.data() + size, text.size() - size);
    if (got < 0) return failure("cannot read " + path + ": " + std::strerror(errno), errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > Allowlist::kTextSizeMax) return failure(path + " is larger than 1 MiB", EFBIG);
  text.resize(size);
  return text;
}

std::int64_t first_expiry(const Allowlist& allowlist, std::int64_t now_ms) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (const Rule& rule : allowlist.rules()) {
    if (rule.expires_ms > now_ms) first = std::min(first, rule.expires_ms);
  }
  return first;
}

}  // namespace

Result<std::unique_ptr<Fence>> Fence::open(Reactor& reactor, Log& log, EgressObserver& observer,
                                           FenceSettings settings) {
  if (auto able = check_net_admin(); !able) return std::unexpected(able.error());
  std::unique_ptr<Fence> fence(new Fence(reactor, log, observer, std::move(settings)));
  const FirewallPlan& plan = fence->settings_.plan;
  if (auto loaded = fence->load(); !loaded) return std::unexpected(loaded.error());
  auto proxy = DnsProxy::open(reactor, plan.dns_port, *fence);
  if (!proxy) return std::unexpected(proxy.error());
  fence->proxy_ = std::move(*proxy);
  auto queue = PacketQueue::open(reactor, kEgressQueue, *fence);
  if (!queue) return std::unexpected(queue.error());
  fence->queue_ = std::move(*queue);
  auto watch =
      FileWatch::open(reactor, {fence->settings_.allowlist_path, fence->settings_.temporary_path},
                      fence.get(), &Fence::on_files);
  if (!watch) return std::unexpected(watch.error());
  fence->watch_ = std::move(*watch);
  auto installed = install_firewall(plan);
  if (!installed) return std::unexpected(installed.error());
  if (*installed == FirewallChange::fresh) fence->end_older_sockets();
  return fence;
}

Fence::Fence(Reactor& reactor, Log& log, EgressObserver& observer, FenceSettings settings)
    : reactor_(reactor),
      log_(log),
      observer_(observer),
      settings_(std::move(settings)),
      allowlist_(std::make_unique<Allowlist>()) {
  reactor_.add(ticks_);
}

Fence::~Fence() { tick_.stop(); }

void Fence::start() {
  queue_->start();
  proxy_->start();
  watch_->start();
  ticks_.start(tick_, reactor_.now());
  log_.line(Level::info, "egress.started")
      .text("mode", mode_label(settings_.mode))
      .text("user", settings_.plan.user.name)
      .number("uid", static_cast<std::int64_t>(settings_.plan.user.uid()))
      .number("rules", static_cast<std::int64_t>(allowlist_->rules().size()))
      .message("the egress of " + settings_.plan.user.name + " is fenced");
  for (const std::string& hole : find_resolver_holes()) {
    log_.line(Level::warn, "egress.hole").message(hole);
  }
}

void Fence::stop() {
  tick_.stop();
  queue_->stop();
  proxy_->stop();
  watch_->stop();
}

bool Fence::is_idle() const noexcept {
  return queue_->is_idle() && proxy_->is_idle() && watch_->is_idle();
}

Action Fence::judge(const QueuedPacket& queued) noexcept {
  Packet packet;
  const PacketStatus status = parse_packet(queued.bytes, packet);
  const std::int64_t now_ms = reactor_.unix_ms();
  const Verdict verdict = flows_.decide(policy(), status, packet, now_ms, ended_);
  if (verdict.is_final) {
    if (verdict.action != Action::reject && packet.protocol == kProtocolTcp) {
      admitted_.add(
          {packet.source, packet.destination, packet.source_port, packet.destination_port},
          verdict.host);
    }
    observer_.on_verdict(
        {.verdict = verdict,
         .protocol = packet.protocol,
         .source = packet.source,
         .source_port = packet.source_port,
         .destination = packet.destination,
         .destination_port = packet.destination_port,
         .host = verdict.host.view(),
         .dns_only = false,
         .uid = queued.uid == QueuedPacket::kNoUid ? settings_.plan.user.uid() : queued.uid,
         .time_ms = now_ms});
  }
  if (!ended_.empty()) tell_ended();
  return verdict.refused && verdict.action == Action::allow ? Action::learn : verdict.action;
}

void Fence::tell_ended() noexcept {
  for (const FlowEnd& end : ended_) {
    observer_.on_verdict({.verdict = end.verdict,
                          .protocol = kProtocolTcp,
                          .source = end.key.source,
                          .source_port = end.key.source_port,
                          .destination = end.key.destination,
                          .destination_port = end.key.destination_port,
                          .host = end.verdict.host.view(),
                          .dns_only = false,
                          .uid = settings_.plan.user.uid(),
                          .time_ms = reactor_.unix_ms()});
  }
  ended_.clear();
}

void Fence::tell_name(const DnsAsker& asker, const Verdict& verdict, const IpAddress& address) {
  observer_.on_verdict({.verdict = verdict,
                        .protocol = asker.protocol,
                        .source = asker.source,
                        .source_port = asker.source_port,
                        .destination = address,
                        .destination_port = 53,
                        .host = verdict.host.view(),
                        .dns_only = true,
                        .uid = settings_.plan.user.uid(),
                        .time_ms = reactor_.unix_ms()});
}

bool Fence::may_resolve(const DnsAsker& asker, const HostName& name) noexcept {
  if (!name.empty() && allowlist_->match({.name = name.view()}, reactor_.unix_ms())) return true;
  const bool learns = settings_.mode == EgressMode::learn;
  tell_name(asker,
            {.action = learns ? Action::allow : Action::reject,
             .evidence = Evidence::dns,
             .reason = Reason::name_not_allowed,
             .host = name},
            {});
  return learns;
}

bool Fence::admit_answer(const DnsAsker& asker, const HostName& name, const IpAddress& address,
                         std::uint32_t ttl_s) noexcept {
  const std::int64_t now_ms = reactor_.unix_ms();
  const bool learns = settings_.mode == EgressMode::learn;
  if (!may_answer(*allowlist_, name, address, now_ms)) {
    // In learn mode a name without a rule is no rebinding: its connection will be told of.
    if (!learns || allowlist_->match({.name = name.view()}, now_ms)) {
      tell_name(asker,
                {.action = learns ? Action::allow : Action::reject,
                 .evidence = Evidence::dns,
                 .reason = Reason::address_disagrees,
                 .host = name},
                address);
    }
    if (!learns) return false;
  }
  addresses_.learn(address, name.view(), ttl_s, now_ms);
  return true;
}

Result<std::unique_ptr<Allowlist>> Fence::load() {
  auto owners = read_list(settings_.allowlist_path);
  if (!owners) return std::unexpected(owners.error());
  auto temporary = read_list(settings_.temporary_path);
  if (!temporary) return std::unexpected(temporary.error());
  auto fresh = std::make_unique<Allowlist>();
  fresh->add(kBuiltInRules, RuleSource::built_in);
  const auto problems = fresh->add(*owners, RuleSource::list);
  const auto temporary_problems = fresh->add(*temporary, RuleSource::temporary);
  log_problems(problems, settings_.allowlist_path);
  log_problems(temporary_problems, settings_.temporary_path);
  rule_problems_ = problems.size() + temporary_problems.size();
  std::swap(allowlist_, fresh);
  next_expiry_ms_ = first_expiry(*allowlist_, reactor_.unix_ms());
  observer_.on_rules(*allowlist_);
  return fresh;
}

void Fence::log_problems(const std::vector<RuleProblem>& problems, const std::string& path) {
  for (const RuleProblem& problem : problems) {
    log_.line(Level::warn, "egress.bad_rule")
        .text("file", path)
        .number("line", static_cast<std::int64_t>(problem.line))
        .text("reason", problem.reason)
        .message(
            fmt::format("{}:{}: {}; the line is left out", path, problem.line, problem.reason));
  }
}

Result<void> Fence::reload() {
  auto before = load();
  if (!before) return std::unexpected(before.error());
  ++reloads_;
  log_.line(Level::info, "egress.reloaded")
      .number("rules", static_cast<std::int64_t>(allowlist_->rules().size()))
      .number("bad_lines", static_cast<std::int64_t>(rule_problems_))
      .message("the allowlist has been read");
  if (lost_a_rule(**before, *allowlist_)) cut_unpermitted();
  return {};
}

bool Fence::lost_a_rule(const Allowlist& before, const Allowlist& now) const {
  std::set<std::string_view> texts;
  for (const Rule& rule : now.rules()) texts.insert(rule.text);
  return std::ranges::any_of(before.rules(),
                             [&texts](const Rule& rule) { return !texts.contains(rule.text); });
}

bool Fence::is_permitted(const FlowKey& key) {
  const std::int64_t now_ms = reactor_.unix_ms();
  if (allowlist_->match(key.destination, key.destination_port, now_ms)) return true;
  const HostName* host = admitted_.find(key);
  if (host != nullptr) {
    return !host->empty() &&
           allowlist_->match({.name = host->view(), .port = key.destination_port}, now_ms);
  }
  // Admitted before this process: by its address, of which nothing may be known yet.
  Packet opening;
  opening.protocol = kProtocolTcp;
  opening.destination = key.destination;
  opening.destination_port = key.destination_port;
  return !judge_opening(policy(), PacketStatus::whole, opening, now_ms).refused;
}

// A connection ends with its socket: the peer gets a reset, and the mark that the kernel's
// connection table still has is void for a new socket, whose SYN is judged anew.
void Fence::cut_unpermitted() noexcept {
  if (settings_.mode != EgressMode::enforce) return;
  auto sockets = list_open_sockets(settings_.plan.user, kProtocolTcp);
  if (!sockets) {
    log_.line(Level::error, "egress.cut_failed").message(sockets.error().what);
    return;
  }
  std::uint64_t cut = 0;
  for (const OpenSocket& socket : *sockets) {
    const FlowKey key{socket.source, socket.destination, socket.source_port,
                      socket.destination_port};
    // On loopback the user's own servers have connections too, and the daemon's ports need no rule:
    // only what was admitted by a rule is known to stand or fall with it.
    const bool is_local = address_class(socket.destination) == AddressClass::loopback;
    if ((is_local && admitted_.find(key) == nullptr) || is_permitted(key)) continue;
    auto destroyed = destroy_socket(socket);
    if (!destroyed) {
      log_.line(Level::error, "egress.cut_failed").message(destroyed.error().what);
      return;
    }
    admitted_.remove(key);
    cut += *destroyed ? 1 : 0;
  }
  connections_cut_ += cut;
  if (cut > 0) {
    log_.line(Level::info, "egress.cut")
        .number("connections", static_cast<std::int64_t>(cut))
        .message("connections that no rule permits any more were cut");
  }
}

// Connections from before the fence: their next packet would be refused, but a packet of a socket
// that is closed by then has no owner to know it by.
void Fence::end_older_sockets() {
  for (const std::uint8_t protocol : {kProtocolTcp, kProtocolUdp}) {
    auto sockets = list_open_sockets(settings_.plan.user, protocol);
    if (!sockets) {
      log_.line(Level::warn, "egress.cut_failed").message(sockets.error().what);
      continue;
    }
    for (const OpenSocket& socket : *sockets) {
      if (address_class(socket.destination) == AddressClass::loopback) continue;
      auto destroyed = destroy_socket(socket);
      if (destroyed && *destroyed) ++connections_cut_;
      if (!destroyed) {
        log_.line(Level::warn, "egress.cut_failed").message(destroyed.error().what);
        return;
      }
    }
  }
}

void Fence::on_tick() noexcept {
  ticks_.start(tick_, reactor_.now());
  const std::int64_t now_ms = reactor_.unix_ms();
  flows_.expire(settings_.mode, now_ms, ended_);
  tell_ended();
  watch_->retry();
  if (now_ms >= next_expiry_ms_) {
    next_expiry_ms_ = first_expiry(*allowlist_, now_ms);
    cut_unpermitted();
  }
  const std::uint64_t overrun = queue_->figures().overrun;
  if (overrun != overrun_told_) {
    log_.line(Level::error, "egress.overrun")
        .number("packets", static_cast<std::int64_t>(overrun - overrun_told_))
        .message("more packets than the queue holds: they were dropped");
    overrun_told_ = overrun;
  }
}

void Fence::on_files(void* owner) noexcept {
  auto& fence = *static_cast<Fence*>(owner);
  if (auto reloaded = fence.reload(); !reloaded) {
    fence.log_.line(Level::error, "egress.reload_failed")
        .message(reloaded.error().what + "; the rules stay as they were");
  }
}

FenceFigures Fence::figures() const noexcept {
  return {.queue = queue_->figures(),
          .dns = proxy_->figures(),
          .flows = flows_.size(),
          .flow_bytes = flows_.memory_size(),
          .addresses = addresses_.size(),
          .admitted = admitted_.size(),
          .rules = allowlist_->rules().size(),
          .rule_problems = rule_problems_,
          .reloads = reloads_,
          .connections_cut = connections_cut_};
}

}  // namespace picortex
