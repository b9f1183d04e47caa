#include "netfilter/dns/dns_proxy.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace picortex {
Result<std::unique_ptr<DnsProxy>> DnsProxy::open(Reactor& reactor, std::uint16_t port,
                                                 NameJudge& judge) {
  std::unique_ptr<DnsProxy> proxy(new DnsProxy(reactor, judge));
  TRY(proxy->listen(*parse_ip_address("127.0.0.1"), port));
  if (auto done = proxy->listen(*parse_ip_address("::1"), port);
      !done && done.error().code != EADDRNOTAVAIL && done.error().code != EAFNOSUPPORT) {
    return std::unexpected(done.error());
  }
  return proxy;
}

DnsProxy::DnsProxy(Reactor& reactor, NameJudge& judge) : reactor_(reactor), judge_(judge) {
  reactor_.add(time_limits_);
  reactor_.add(idle_limits_);
  reactor_.add(accept_retries_);
  reactor_.add(IterationHook::to<&DnsProxy::sweep>(*this));
  reactor_.add_first(IterationHook::to<&DnsProxy::send_datagrams>(*this));
}

DnsProxy::~DnsProxy() { CHECK(is_idle()); }

Result<void> DnsProxy::listen(const IpAddress& address, std::uint16_t port) {
  const SocketAddress local(address, port);
  const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  FileDescriptor udp(socket(local.any.sa_family, SOCK_DGRAM | flags, 0));
  FileDescriptor tcp(socket(local.any.sa_family, SOCK_STREAM | flags, 0));
  const int one = 1;
  setsockopt(tcp.number(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (!udp.is_open() || !tcp.is_open() || bind(udp.number(), &local.any, local.size) != 0 ||
      bind(tcp.number(), &local.any, local.size) != 0 || ::listen(tcp.number(), 64) != 0) {
    const int error = errno;
    return failure(fmt::format("the DNS proxy cannot listen on {} port {}: {}; free the port, or "
                               "choose another with --egress-dns-port",
                               to_string(address), port, std::strerror(error)),
                   error);
  }
  TRY(prepare_datagrams(udp.number(), local.any.sa_family));
  listeners_.emplace_back(*this, std::move(udp), std::move(tcp));
  return {};
}

void DnsProxy::start() {
  for (Listener& listener : listeners_) {
    reactor_.ring().poll(listener.receive, listener.udp.number(), POLLIN);
    listener.accept_next();
  }
}

void DnsProxy::stop() {
  stopping_ = true;
  accept_retry_.stop();
  for (Listener& listener : listeners_) {
    if (listener.receive.in_flight()) reactor_.ring().cancel(listener.receive);
    if (listener.accept.in_flight()) reactor_.ring().cancel(listener.accept);
  }
  for (const auto& pending : pending_) {
    if (pending->is_used) pending->lookup.stop();
  }
  waiting_.clear();
  for (Connection& connection : connections_) connection.close();
}

bool DnsProxy::is_idle() const noexcept {
  return std::ranges::none_of(pending_, [](const auto& p) { return p->is_used; }) &&
         std::ranges::none_of(connections_, [](const auto& c) { return c.poll.in_flight(); }) &&
         std::ranges::none_of(listeners_, [](const auto& l) {
           return l.receive.in_flight() || l.accept.in_flight();
         });
}

void DnsProxy::take(const Client& client, std::span<const std::uint8_t> message) {
  DnsQuery query;
  ++stats_.queries;
  const DnsQueryStatus status = parse_dns_query(message, query);
  // A connection's client was checked when it was accepted.
  if (client.connection == 0 && status != DnsQueryStatus::drop && !judge_.serves(client.asker)) {
    ++stats_.strangers;
    return respond(client, query, {.rcode = DnsRcode::refused});
  }
  switch (status) {
    case DnsQueryStatus::query:
      break;
    case DnsQueryStatus::drop:
      for (Connection& connection : connections_) {
        if (connection.serial == client.connection) connection.close();
      }
      return;
    case DnsQueryStatus::format_error:
      return respond(client, query, {.rcode = DnsRcode::format_error});
    case DnsQueryStatus::not_implemented:
      return respond(client, query, {.rcode = DnsRcode::not_implemented});
    case DnsQueryStatus::bad_version:
      return respond(client, query, {.rcode = DnsRcode::bad_version});
  }
  constexpr std::uint16_t kClassInternet = 1;
  // Other classes (CHAOS, HESIOD) name no host of the internet.
  if (query.query_class != kClassInternet)
    return respond(client, query, {.rcode = DnsRcode::refused});
  switch (judge_.rule_on(client.asker, query.name, query.type)) {
    case NameRuling::resolve:
      return enqueue(client, query);
    case NameRuling::no_data:
      return respond(client, query, {.rcode = DnsRcode::no_error});
    case NameRuling::name_error:
      ++stats_.denied;
      return respond(client, query, {.rcode = DnsRcode::name_error});
    case NameRuling::blocked:
      ++stats_.denied;
      return respond_blocked(client, query);
    case NameRuling::server_failure:
      ++stats_.failed;
      return respond(client, query, {.rcode = DnsRcode::server_failure});
  }
}

void DnsProxy::enqueue(const Client& client, const DnsQuery& query) {
  CHECK(!query.name.empty() && (query.type == kDnsTypeA || query.type == kDnsTypeAaaa));
  if (questions_ == kQuestionsMax || stopping_) {
    ++stats_.failed;
    return respond(client, query, {.rcode = DnsRcode::server_failure});
  }
  ++questions_;
  ++stats_.forwarded;
  Question question{.client = client,
                    .bytes = {query.question.begin(), query.question.end()},
                    .query = query,
                    .deadline = reactor_.now() + kQuestionTime};
  question.query.question = question.bytes;
  if (join_lookup(question)) return;
  Pending* pending = waiting_.empty() ? free_pending() : nullptr;
  if (pending == nullptr) return waiting_.push_back(std::move(question));
  begin_lookup(*pending, std::move(question));
}

std::string_view DnsProxy::key_of(const DnsQuery& query) {
  return key_.assign(1, query.type == kDnsTypeA ? '4' : '6').append(query.name.view());
}

// Several answers expected for one name would be as many chances for a forged one.
bool DnsProxy::join_lookup(Question& question) {
  const auto known = by_name_.find(key_of(question.query));
  if (known == by_name_.end()) return false;
  known->second->questions.push_back(std::move(question));
  return true;
}

void DnsProxy::begin_lookup(Pending& pending, Question question) {
  const HostName name = question.query.name;
  const std::uint16_t type = question.query.type;
  by_name_.emplace(key_of(question.query), &pending);
  pending.is_used = true;
  pending.questions.push_back(std::move(question));
  pending.lookup.start(servers_.get(reactor_.now()), name, type);
}

// Runs at an iteration's end: a look-up that fails at once ends within its start.
void DnsProxy::begin_waiting() {
  while (!waiting_.empty() && !stopping_) {
    Question& question = waiting_.front();
    if (question.deadline <= reactor_.now()) {
      --questions_;
      fail(question);
    } else if (!join_lookup(question)) {
      Pending* pending = free_pending();
      if (pending == nullptr) return;
      begin_lookup(*pending, std::move(question));
    }
    waiting_.pop_front();
  }
}

DnsProxy::Pending* DnsProxy::free_pending() {
  if (!free_.empty()) {
    Pending* pending = free_.back();
    free_.pop_back();
    return pending;
  }
  if (pending_.size() == kLookupsMax) return nullptr;
  return pending_.emplace_back(std::make_unique<Pending>(*this)).get();
}

void DnsProxy::on_lookup_end(DnsLookup& lookup, const DnsAnswer* answer) noexcept {
  const auto found = std::ranges::find_if(
      pending_, [&lookup](const auto& pending) { return &pending->lookup == &lookup; });
  CHECK(found != pending_.end());
  Pending& pending = **found;
  by_name_.erase(std::string(key_of(pending.questions.front().query)));
  // Taken out first: answering may bring a client's next question, which may need this very place.
  const std::vector<Question> questions = std::move(pending.questions);
  pending.questions.clear();
  pending.is_used = false;
  free_.push_back(&pending);
  questions_ -= questions.size();
  for (const Question& question : questions) {
    if (answer == nullptr) {
      fail(question);
      continue;
    }
    pass_on(question, *answer);
    resume(question.client);
  }
}

void DnsProxy::fail(const Question& question) {
  ++stats_.failed;
  respond(question.client, question.query, {.rcode = DnsRcode::server_failure});
  resume(question.client);
}

void DnsProxy::pass_on(const Question& question, const DnsAnswer& answer) {
  std::array<IpAddress, DnsAnswer::kAddressesMax> allowed;
  std::size_t count = 0;
  for (std::size_t i = 0; i < answer.address_count; ++i) {
    const IpAddress& address = answer.addresses[i];
    if (judge_.allow_answer(question.client.asker, question.query.name, address, answer.ttl_s)) {
      allowed[count++] = address;
    } else {
      ++stats_.withheld;
    }
  }
  respond(question.client, question.query,
          {.rcode = answer.rcode, .addresses = {allowed.data(), count}, .ttl_s = answer.ttl_s});
}

DnsStats DnsProxy::stats() const noexcept {
  DnsStats stats = stats_;
  stats.mismatches = mismatches_.count();
  for (const Listener& listener : listeners_) stats.lost += listener.dropped;
  return stats;
}

// Names what to ask for, where a host was meant: the text reaches the agent through what its tools
// print, as dig(1) does.
void DnsProxy::respond_blocked(const Client& client, const DnsQuery& query) {
  ExtendedDnsError error{.code = ExtendedDnsError::Code::blocked, .text = {}};
  std::string text;
  const bool asks_address = query.type == kDnsTypeA || query.type == kDnsTypeAaaa;
  if (query.has_edns && asks_address && !query.name.empty()) {
    text = fmt::format(
        "no rule of the egress allowlist has {0}; the operator can add one: "
        "picortex egress allow {0}",
        query.name.view());
    error.text = text;
  }
  respond(client, query, {.rcode = DnsRcode::name_error, .error = error});
}

void DnsProxy::respond(const Client& client, const DnsQuery& query, const DnsReply& reply) {
  out_.clear();
  if (client.connection == 0) {
    const std::size_t size_max = std::min<std::size_t>(query.payload_size, kDnsUdpSizeMax);
    if (datagrams_used_ == datagrams_.size()) datagrams_.emplace_back();
    Datagram& datagram = datagrams_[datagrams_used_++];
    datagram.socket = client.socket;
    datagram.may_wait = reply.addresses.empty();
    datagram.mark = client.asker.mark;
    datagram.address = client.address;
    datagram.bytes.clear();
    append_dns_answer(datagram.bytes, query, reply, size_max);
    return;
  }
  for (Connection& connection : connections_) {
    if (connection.serial != client.connection || connection.closing) continue;
    out_.assign(2, '\0');
    append_dns_answer(out_, query, reply, kDnsTcpSizeMax);
    out_[0] = static_cast<char>((out_.size() - 2) >> 8);
    out_[1] = static_cast<char>(out_.size() - 2);
    const ssize_t sent = send(connection.socket.number(), out_.data(), out_.size(), MSG_NOSIGNAL);
    // A client that does not read its answers is no resolver's client.
    if (sent != static_cast<ssize_t>(out_.size())) return connection.close();
    connection.waits_for_answer = false;
    return;
  }
}

}  // namespace picortex
