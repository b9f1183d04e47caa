// The DNS proxy's clients over TCP.
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "netfilter/dns/dns_proxy.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

// Returns the address that the connection's client connected to (nf_conntrack's SO_ORIGINAL_DST).
SocketAddress original_destination(int socket, bool is_v6) noexcept {
  constexpr int kOriginalDestination = 80;  // SO_ORIGINAL_DST, IP6T_SO_ORIGINAL_DST
  SocketAddress address;
  if (getsockopt(socket, is_v6 ? SOL_IPV6 : SOL_IP, kOriginalDestination, &address.any,
                 &address.size) != 0) {
    address.size = sizeof address.v6;
    getsockname(socket, &address.any, &address.size);
  }
  return address;
}

}  // namespace

void DnsProxy::Listener::accept_next() {
  if (!accept.in_flight()) proxy.reactor_.ring().accept(accept, tcp.number());
}

void DnsProxy::Listener::on_accept(const Completion& completion) noexcept {
  FileDescriptor accepted(completion.result >= 0 ? completion.result : -1);
  if (proxy.stopping_) return;
  if (!accepted.is_open() && completion.result != -ECONNABORTED && completion.result != -EINTR) {
    // The next attempt would fail as this one did, until something has ended.
    ++proxy.stats_.accept_failures;
    return proxy.accept_retries_.start(proxy.accept_retry_, proxy.reactor_.now());
  }
  accept_next();
  if (accepted.is_open()) take_connection(std::move(accepted));
}

void DnsProxy::on_accept_retry() noexcept {
  for (Listener& listener : listeners_) listener.accept_next();
}

void DnsProxy::Listener::take_connection(FileDescriptor accepted) {
  if (proxy.connections_.size() >= kConnectionsMax) return;
  SocketAddress peer;
  if (getpeername(accepted.number(), &peer.any, &peer.size) != 0) return;
  const SocketAddress goal =
      original_destination(accepted.number(), peer.any.sa_family == AF_INET6);
  const DnsAsker asker{.source = peer.address(),
                       .source_port = peer.port(),
                       .protocol = kProtocolTcp,
                       .destination = goal.address(),
                       .destination_port = goal.port()};
  if (!proxy.judge_.serves(asker)) {
    ++proxy.stats_.strangers;
    return;
  }
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

// Stops reading while a question is open: a client that asks faster waits.
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

// Removes connections at an iteration's end, when none is in use.
void DnsProxy::sweep() noexcept {
  std::erase_if(connections_, [](const Connection& connection) {
    return connection.closing && !connection.poll.in_flight();
  });
}

// Takes the client's next question, if it has sent one, now that the last one is answered.
void DnsProxy::resume(const Client& client) {
  if (client.connection == 0) return;
  for (Connection& connection : connections_) {
    if (connection.serial == client.connection) return connection.take_question();
  }
}

}  // namespace picortex
