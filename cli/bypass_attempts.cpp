#include "cli/bypass_attempts.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "cli/bypass_messages.h"
#include "cli/descriptor.h"

namespace picortex {
namespace {

constexpr timeval kTimeLimit{3, 0};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const IpAddress& address, std::uint16_t port, bool mapped) {
  SocketAddress result;
  if (address.is_v6 || mapped) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(result.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    auto* bytes = v6.sin6_addr.s6_addr;
    if (!address.is_v6) bytes[10] = bytes[11] = 0xff;
    std::memcpy(address.is_v6 ? bytes : bytes + 12, address.bytes.data(), address.raw().size());
    result.size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(result.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), 4);
    result.size = sizeof v4;
  }
  return result;
}

int open_socket(const SocketAddress& address, int type, int protocol) {
  const int number = socket(address.storage.ss_family, type | SOCK_CLOEXEC, protocol);
  if (number < 0) return number;
  setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &kTimeLimit, sizeof kTimeLimit);
  setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &kTimeLimit, sizeof kTimeLimit);
  return number;
}

struct Path {
  IpAddress address;
  std::uint16_t port = 443;
  int type = SOCK_STREAM;
  int protocol = 0;
  bool mapped = false;  // an IPv4 address through an IPv6 socket
  int flags = 0;        // of the first send: MSG_FASTOPEN connects by itself
};

std::string receive(const Descriptor& socket) {
  std::string answer(2048, '\0');
  const ssize_t size = recv(socket.number(), answer.data(), answer.size(), 0);
  answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return answer;
}

// Connects, and with something to say waits for an answer to it. Empty when nothing came back; a
// connection alone is an answer where there is nothing to say.
std::string exchange(const Path& path, const std::string& words) {
  const SocketAddress to = socket_address(path.address, path.port, path.mapped);
  const Descriptor socket(open_socket(to, path.type, path.protocol));
  if (!socket) return {};
  const bool connects = (path.flags & MSG_FASTOPEN) == 0;
  if (connects && connect(socket.number(), to.raw(), to.size) != 0) return {};
  if (words.empty()) return "connected";
  const ssize_t sent =
      sendto(socket.number(), words.data(), words.size(), path.flags | MSG_NOSIGNAL,
             connects ? nullptr : to.raw(), connects ? 0 : to.size);
  return sent > 0 ? receive(socket) : std::string();
}

bool answers(const Path& path, const std::string& words = {}) {
  return !exchange(path, words).empty();
}

// Whether there is an answer to the last of the pieces, each sent in a segment of its own.
bool answers_pieces(const Path& path, const std::vector<std::string>& pieces,
                    std::chrono::milliseconds pause) {
  const SocketAddress to = socket_address(path.address, path.port, path.mapped);
  const Descriptor socket(open_socket(to, path.type, path.protocol));
  const int one = 1;
  if (!socket || connect(socket.number(), to.raw(), to.size) != 0) return false;
  setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (const std::string& piece : pieces) {
    if (&piece != &pieces.front()) std::this_thread::sleep_for(pause);
    if (send(socket.number(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return false;
  }
  return !receive(socket).empty();
}

// Whether a second request on the connection is answered, as the first one is.
bool answers_second(const Path& path, const std::string& first, const std::string& second) {
  const SocketAddress to = socket_address(path.address, path.port, path.mapped);
  const Descriptor socket(open_socket(to, path.type, path.protocol));
  if (!socket || connect(socket.number(), to.raw(), to.size) != 0) return false;
  for (const std::string& request : {first, second}) {
    if (send(socket.number(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
    if (receive(socket).empty()) return false;
  }
  return true;
}

// NOERROR with an answer in it.
bool is_resolved(std::string_view reply) {
  return reply.size() > 12 && (reply[3] & 0x0f) == 0 && (reply[6] != 0 || reply[7] != 0);
}

bool resolves(const IpAddress& resolver, const std::string& query, bool by_tcp) {
  const Path path{.address = resolver, .port = 53, .type = by_tcp ? SOCK_STREAM : SOCK_DGRAM};
  const std::string reply = exchange(path, by_tcp ? with_size(query) : query);
  const std::size_t skipped = by_tcp ? 2 : 0;
  return reply.size() > skipped && is_resolved(std::string_view(reply).substr(skipped));
}

// The addresses of the name, as this user's resolver gives them.
std::vector<IpAddress> addresses_of(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<IpAddress> found;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return found;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(info->ai_addr);
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(info->ai_addr);
    const auto* bytes = info->ai_family == AF_INET
                            ? reinterpret_cast<const std::uint8_t*>(&v4->sin_addr)
                            : v6->sin6_addr.s6_addr;
    found.push_back(IpAddress::of_bytes({bytes, info->ai_family == AF_INET ? 4u : 16u}));
  }
  freeaddrinfo(list);
  return found;
}

// Whether `attempt` succeeds at any address of the name.
bool at_any_address(const std::string& name,
                    const std::function<bool(const IpAddress& address)>& attempt) {
  return std::ranges::any_of(addresses_of(name), attempt);
}

std::vector<std::string> one_by_one(const std::string& text) {
  std::vector<std::string> bytes;
  for (const char byte : text) bytes.emplace_back(1, byte);
  return bytes;
}

void add_names(std::vector<BypassAttempt>& all, const BypassNames& names) {
  const auto add = [&all](const std::string& name, const std::string& host,
                          bool as_sub_uid = false) {
    all.push_back({name, [host] { return !addresses_of(host).empty(); }, as_sub_uid});
  };
  add("a name that is not allowed", names.forbidden);
  add("the same name, of a sub-UID", names.forbidden, true);
  add("the same name with a dot at its end", names.forbidden + '.');
  const std::string label(60, 'd');
  add("a name that carries data", label + '.' + label + '.' + names.open_domain);
  add("a name that begins like an allowed one", names.allowed + '.' + names.open_domain);
}

// At the addresses of a host that a rule permits, in another's name.
void add_hellos(std::vector<BypassAttempt>& all, const BypassNames& names) {
  using std::chrono::milliseconds;
  const auto add = [&](const std::string& name, const std::vector<std::string>& pieces,
                       milliseconds pause = {}) {
    all.push_back({name + " at an allowed host's address", [=] {
                     return at_any_address(names.allowed, [&](const IpAddress& address) {
                       return answers_pieces({.address = address}, pieces, pause);
                     });
                   }});
  };
  const std::string hello = client_hello(names.forbidden);
  add("a forbidden SNI", {hello});
  add("no SNI", {client_hello("")});
  add("a forbidden SNI in one-byte segments", one_by_one(hello), milliseconds(1));
  add("a forbidden SNI in a hello of two records", {in_two_records(hello)});
  add("a forbidden SNI in a late second half", {hello.substr(0, 50), hello.substr(50)},
      milliseconds(3500));
  add("cleartext HTTP for a forbidden host", {http_request(names.forbidden)});
}

void add_http(std::vector<BypassAttempt>& all, const BypassNames& names) {
  const std::string allowed = http_request(names.allowed_http);
  const std::string forbidden = http_request(names.forbidden);
  const auto add = [&](const std::string& name,
                       const std::function<bool(const Path& path)>& attempt) {
    all.push_back({name, [=] {
                     return at_any_address(names.allowed_http, [&](const IpAddress& address) {
                       return attempt({.address = address, .port = 80});
                     });
                   }});
  };
  add("HTTP with a Host that is not allowed",
      [=](const Path& path) { return answers(path, forbidden); });
  add("HTTP without a Host",
      [](const Path& path) { return answers(path, "HEAD / HTTP/1.0\r\n\r\n"); });
  add("a second HTTP request with another Host",
      [=](const Path& path) { return answers_second(path, allowed, forbidden); });
  add("a second HTTP request behind the first in one segment",
      [=](const Path& path) { return answers(path, allowed + forbidden); });
}

void add_target(std::vector<BypassAttempt>& all, const IpAddress& target,
                const BypassNames& names) {
  const std::string at = " to " + to_string(target);
  const auto add = [&all](const std::string& name, std::function<bool()> run) {
    all.push_back({name, std::move(run)});
  };
  for (const std::uint16_t port : {443, 80, 853, 22}) {
    add("raw address, TCP " + std::to_string(port) + at,
        [=] { return answers({.address = target, .port = port}); });
  }
  all.push_back({"raw address, TCP 443, of a sub-UID" + at,
                 [=] { return answers({.address = target}); }, true});
  add("Multipath TCP" + at,
      [=] { return answers({.address = target, .protocol = IPPROTO_MPTCP}); });
  add("an allowed host's SNI" + at,
      [=] { return answers({.address = target}, client_hello(names.allowed)); });
  add("TCP Fast Open" + at, [=] {
    return answers({.address = target, .flags = MSG_FASTOPEN}, client_hello(names.allowed));
  });
  add("QUIC, UDP 443" + at,
      [=] { return answers({.address = target, .type = SOCK_DGRAM}, quic_probe()); });
  add("SCTP" + at, [=] { return answers({.address = target, .protocol = IPPROTO_SCTP}); });
  add("ICMP datagram socket" + at, [=] {
    return answers({.address = target,
                    .type = SOCK_DGRAM,
                    .protocol = target.is_v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP}},
                   echo_request(target.is_v6));
  });
  for (const bool by_tcp : {false, true}) {
    const std::string how = by_tcp ? "TCP" : "UDP";
    add("another resolver, " + how + at,
        [=] { return resolves(target, dns_query(names.forbidden, 1), by_tcp); });
    add("TXT of an allowed name, " + how + at,
        [=] { return resolves(target, dns_query(names.allowed, 16), by_tcp); });
  }
  if (!target.is_v6) {
    add("v4-mapped IPv6" + at, [=] { return answers({.address = target, .mapped = true}); });
  }
}

}  // namespace

std::vector<BypassAttempt> bypass_attempts(const std::vector<IpAddress>& targets,
                                           const BypassNames& names,
                                           const LoopbackService& loopback) {
  std::vector<BypassAttempt> all;
  const auto v4 = *parse_ip_address("127.0.0.1");
  const auto v6 = *parse_ip_address("::1");
  all.push_back({"another user's port on 127.0.0.1",
                 [=] { return answers({.address = v4, .port = loopback.tcp_port}); }});
  all.push_back({"another user's port on ::1",
                 [=] { return answers({.address = v6, .port = loopback.tcp6_port}); }});
  all.push_back({"another user's port on v4-mapped loopback", [=] {
                   return answers({.address = v4, .port = loopback.tcp_port, .mapped = true});
                 }});
  add_names(all, names);
  add_hellos(all, names);
  if (!names.allowed_http.empty()) add_http(all, names);
  for (const IpAddress& target : targets) add_target(all, target, names);
  return all;
}

bool reaches(const std::string& allowed) {
  return at_any_address(allowed, [&](const IpAddress& address) {
    return answers({.address = address}, client_hello(allowed));
  });
}

}  // namespace picortex
