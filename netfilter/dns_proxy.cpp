#include "netfilter/dns_proxy.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "netfilter/packet.h"

namespace picortex {
namespace {

constexpr int kDatagramsATurn = 64;

}  // namespace

Result<std::unique_ptr<DnsProxy>> DnsProxy::open(Reactor& reactor, std::uint16_t port,
                                                 NameJudge& judge) {
  std::unique_ptr<DnsProxy> proxy(new DnsProxy(reactor, judge));
  if (auto done = proxy->listen(*parse_ip_address("127.0.0.1"), port); !done) {
    return std::unexpected(done.error());
  }
  if (auto done = proxy->listen(*parse_ip_address("::1"), port);
      !done && done.error().code != EADDRNOTAVAIL && done.error().code != EAFNOSUPPORT) {
    return std::unexpected(done.error());
  }
  return proxy;
}

DnsProxy::DnsProxy(Reactor& reactor, NameJudge& judge) : reactor_(reactor), judge_(judge) {
  reactor_.add(time_limits_);
  reactor_.add(idle_limits_);
  reactor_.add(TurnHook::to<&DnsProxy::sweep>(*this));
  reactor_.add_first(TurnHook::to<&DnsProxy::send_datagrams>(*this));
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
  listeners_.emplace_back(*this, std::move(udp), std::move(tcp));
  return {};
}

void DnsProxy::start() {
  for (Listener& listener : listeners_) {
    reactor_.ring().poll(listener.receive, listener.udp.number(), POLLIN);
    reactor_.ring().accept_multishot(listener.accept, listener.tcp.number());
  }
}

void DnsProxy::stop() {
  stopping_ = true;
  for (Listener& listener : listeners_) {
    if (listener.receive.in_flight()) reactor_.ring().cancel(listener.receive);
    if (listener.accept.in_flight()) reactor_.ring().cancel(listener.accept);
  }
  for (const auto& pending : pending_) {
    if (pending->is_used) pending->lookup.stop();
  }
  for (Connection& connection : connections_) connection.close();
}

bool DnsProxy::is_idle() const noexcept {
  return std::ranges::none_of(pending_, [](const auto& p) { return p->is_used; }) &&
         std::ranges::none_of(connections_, [](const auto& c) { return c.poll.in_flight(); }) &&
         std::ranges::none_of(listeners_, [](const auto& l) {
           return l.receive.in_flight() || l.accept.in_flight();
         });
}

void DnsProxy::Listener::on_datagrams(const Completion&) noexcept {
  if (proxy.stopping_) return;
  std::array<std::uint8_t, kDnsUdpSizeMax> message;
  for (int i = 0; i < kDatagramsATurn; ++i) {
    Client client;
    const ssize_t size = recvfrom(udp.number(), message.data(), message.size(), MSG_TRUNC,
                                  &client.address.any, &client.address.size);
    if (size < 0) break;
    if (static_cast<std::size_t>(size) > message.size()) continue;
    client.asker = {client.address.address(), client.address.port(), kProtocolUdp};
    client.socket = udp.number();
    proxy.take(client, {message.data(), static_cast<std::size_t>(size)});
  }
  proxy.reactor_.ring().poll(receive, udp.number(), POLLIN);
}

void DnsProxy::Listener::on_accept(const Completion& completion) noexcept {
  FileDescriptor accepted(completion.result >= 0 ? completion.result : -1);
  if (!completion.more && !proxy.stopping_) {
    proxy.reactor_.ring().accept_multishot(accept, tcp.number());
  }
  if (!accepted.is_open() || proxy.stopping_ || proxy.connections_.size() >= kConnectionsMax)
    return;
  SocketAddress peer;
  if (getpeername(accepted.number(), &peer.any, &peer.size) != 0) return;
  const DnsAsker asker{peer.address(), peer.port(), kProtocolTcp};
  Connection& connection =
      proxy.connections_.emplace_back(proxy, std::move(accepted), asker, ++proxy.last_serial_);
  proxy.idle_limits_.start(connection.idle, proxy.reactor_.now());
  proxy.reactor_.ring().poll(connection.poll, connection.socket.number(), POLLIN);
}

void DnsProxy::Connection::on_readable(const Completion& completion) noexcept {
  if (closing || completion.result < 0) return close();
  std::array<std::uint8_t, kDnsUdpSizeMax> bytes;
  const ssize_t size = recv(socket.number(), bytes.data(), bytes.size(), 0);
  if (size == 0 || (size < 0 && errno != EAGAIN)) return close();
  if (size > 0) input.insert(input.end(), bytes.begin(), bytes.begin() + size);
  take_question();
}

// Reads no further while a question is open: a client that asks faster waits.
void DnsProxy::Connection::take_question() {
  while (!closing && !waits_for_answer && input.size() >= 2) {
    const std::size_t length = std::size_t{input[0]} << 8 | input[1];
    if (length > kDnsUdpSizeMax) return close();
    if (input.size() < length + 2) break;
    const std::vector<std::uint8_t> message(
        input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    input.erase(input.begin(), input.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    waits_for_answer = true;
    proxy.idle_limits_.start(idle, proxy.reactor_.now());
    proxy.take({.asker = asker, .address = {}, .connection = serial}, message);
  }
  if (!closing && !waits_for_answer && !poll.in_flight()) {
    proxy.reactor_.ring().poll(poll, socket.number(), POLLIN);
  }
}

void DnsProxy::Connection::on_idle() noexcept { close(); }

void DnsProxy::Connection::close() {
  closing = true;
  idle.stop();
  if (poll.in_flight()) proxy.reactor_.ring().cancel(poll);
}

// Connections go at a turn's end: none is under somebody's hands then.
void DnsProxy::sweep() noexcept {
  std::erase_if(connections_, [](const Connection& connection) {
    return connection.closing && !connection.poll.in_flight();
  });
}

void DnsProxy::take(const Client& client, std::span<const std::uint8_t> message) {
  DnsQuery query;
  ++figures_.queries;
  switch (parse_dns_query(message, query)) {
    case DnsQueryStatus::query:
      break;
    case DnsQueryStatus::drop:
      for (Connection& connection : connections_) {
        if (connection.serial == client.connection) connection.close();
      }
      return;
    case DnsQueryStatus::format_error:
      return respond(client, query, DnsRcode::format_error);
    case DnsQueryStatus::not_implemented:
      return respond(client, query, DnsRcode::not_implemented);
    case DnsQueryStatus::bad_version:
      return respond(client, query, DnsRcode::bad_version);
  }
  constexpr std::uint16_t kClassInternet = 1;
  if (query.query_class != kClassInternet) return respond(client, query, DnsRcode::refused);
  if (!judge_.may_resolve(client.asker, query.name) || query.name.empty()) {
    ++figures_.refused;
    return respond(client, query, DnsRcode::name_error);
  }
  if (query.type != kDnsTypeA && query.type != kDnsTypeAaaa) {
    return respond(client, query, DnsRcode::no_error);
  }
  Pending* pending = free_pending();
  if (pending == nullptr) {
    ++figures_.failed;
    return respond(client, query, DnsRcode::server_failure);
  }
  ++figures_.forwarded;
  pending->is_used = true;
  pending->client = client;
  pending->message.assign(message.begin(), message.end());
  const DnsQueryStatus again = parse_dns_query(pending->message, pending->query);
  CHECK(again == DnsQueryStatus::query);
  pending->lookup.start(servers_.get(reactor_.now()), pending->query.name, pending->query.type);
}

DnsProxy::Pending* DnsProxy::free_pending() {
  for (const auto& pending : pending_) {
    if (!pending->is_used) return pending.get();
  }
  if (pending_.size() == kLookupsMax || stopping_) return nullptr;
  return pending_.emplace_back(std::make_unique<Pending>(*this)).get();
}

void DnsProxy::on_lookup_end(DnsLookup& lookup, const DnsAnswer* answer) noexcept {
  const auto found = std::ranges::find_if(
      pending_, [&lookup](const auto& pending) { return &pending->lookup == &lookup; });
  CHECK(found != pending_.end());
  Pending& pending = **found;
  if (answer == nullptr) {
    ++figures_.failed;
    respond(pending.client, pending.query, DnsRcode::server_failure);
  } else {
    pass_on(pending, *answer);
  }
  pending.is_used = false;
  for (Connection& connection : connections_) {
    if (connection.serial == pending.client.connection) return connection.take_question();
  }
}

void DnsProxy::pass_on(const Pending& pending, const DnsAnswer& answer) {
  std::array<IpAddress, DnsAnswer::kAddressesMax> admitted;
  std::size_t count = 0;
  for (std::size_t i = 0; i < answer.address_count; ++i) {
    const IpAddress& address = answer.addresses[i];
    if (judge_.admit_answer(pending.client.asker, pending.query.name, address, answer.ttl_s)) {
      admitted[count++] = address;
    } else {
      ++figures_.withheld;
    }
  }
  respond(pending.client, pending.query, answer.rcode, {admitted.data(), count}, answer.ttl_s);
}

void DnsProxy::send_datagrams() noexcept {
  for (const Datagram& datagram : std::span(datagrams_).first(datagrams_used_)) {
    sendto(datagram.socket, datagram.bytes.data(), datagram.bytes.size(), MSG_NOSIGNAL,
           &datagram.address.any, datagram.address.size);
  }
  datagrams_used_ = 0;
}

void DnsProxy::respond(const Client& client, const DnsQuery& query, DnsRcode rcode,
                       std::span<const IpAddress> addresses, std::uint32_t ttl_s) {
  out_.clear();
  if (client.connection == 0) {
    const std::size_t size_max = std::min<std::size_t>(query.payload_size, kDnsUdpSizeMax);
    if (datagrams_used_ == datagrams_.size()) datagrams_.emplace_back();
    Datagram& datagram = datagrams_[datagrams_used_++];
    datagram.socket = client.socket;
    datagram.address = client.address;
    datagram.bytes.clear();
    append_dns_answer(datagram.bytes, query, rcode, addresses, ttl_s, size_max);
    return;
  }
  for (Connection& connection : connections_) {
    if (connection.serial != client.connection || connection.closing) continue;
    out_.assign(2, '\0');
    append_dns_answer(out_, query, rcode, addresses, ttl_s, kDnsTcpSizeMax);
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
