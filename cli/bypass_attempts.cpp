#include "cli/bypass_attempts.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>

#include "cli/descriptor.h"

namespace picortex {
namespace {

constexpr timeval kTimeLimit{3, 0};

void append_u16(std::string& out, std::size_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

std::string with_size(const std::string& text) {
  std::string out;
  append_u16(out, text.size());
  return out + text;
}

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
  if (sent <= 0) return {};
  std::string answer(2048, '\0');
  const ssize_t size = recv(socket.number(), answer.data(), answer.size(), 0);
  answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return answer;
}

bool answers(const Path& path, const std::string& words = {}) {
  return !exchange(path, words).empty();
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

// A QUIC packet of a version that nobody has: a server answers it (RFC 9000, section 6).
std::string quic_probe() {
  std::string packet("\xc0\x1a\x2a\x3a\x4a\x08picortex\x08selftest", 23);
  packet.resize(1200, '\0');
  return packet;
}

std::string echo_request(bool is_v6) {
  std::string packet(8, '\0');
  packet[0] = is_v6 ? static_cast<char>(128) : 8;
  return packet + "data that leaves";
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

bool says_hello_to(const std::string& name, const std::string& server_name) {
  for (const IpAddress& address : addresses_of(name)) {
    if (answers({.address = address}, client_hello(server_name))) return true;
  }
  return false;
}

void add_target(std::vector<BypassAttempt>& all, const IpAddress& target,
                const std::string& allowed_name) {
  const std::string at = " to " + to_string(target);
  const auto add = [&all](const std::string& name, std::function<bool()> run) {
    all.push_back({name, std::move(run)});
  };
  for (const std::uint16_t port : {443, 80, 853, 22}) {
    add("raw address, TCP " + std::to_string(port) + at,
        [=] { return answers({.address = target, .port = port}); });
  }
  add("an allowed host's SNI" + at,
      [=] { return answers({.address = target}, client_hello(allowed_name)); });
  add("TCP Fast Open" + at, [=] {
    return answers({.address = target, .flags = MSG_FASTOPEN}, client_hello(allowed_name));
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
        [=] { return resolves(target, dns_query("example.com", 1), by_tcp); });
    add("TXT of an allowed name, " + how + at,
        [=] { return resolves(target, dns_query("github.com", 16), by_tcp); });
  }
  if (!target.is_v6) {
    add("v4-mapped IPv6" + at, [=] { return answers({.address = target, .mapped = true}); });
  }
}

}  // namespace

std::string client_hello(const std::string& server_name) {
  const auto extension = [](std::size_t type, const std::string& body) {
    std::string out;
    append_u16(out, type);
    return out + with_size(body);
  };
  std::string extensions;
  if (!server_name.empty()) {
    extensions += extension(0, with_size(std::string(1, '\0') + with_size(server_name)));
  }
  extensions += extension(10, with_size(std::string("\0\x1d\0\x17", 4)));
  extensions += extension(13, with_size(std::string("\x04\x03\x08\x04\x04\x01", 6)));
  std::string body("\x03\x03", 2);
  body.append(32, 'r').append(1, '\0');
  body += with_size(std::string("\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30", 8));
  body.append("\x01\x00", 2) += with_size(extensions);
  const std::string handshake = std::string("\x01\x00", 2) + with_size(body);
  return std::string("\x16\x03\x01", 3) + with_size(handshake);
}

std::string dns_query(const std::string& name, std::uint16_t type) {
  std::string query("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t size = std::min(name.find('.', at), name.size()) - at;
    query += static_cast<char>(size);
    query.append(name, at, size);
    at += size + 1;
  }
  query += '\0';
  append_u16(query, type);
  append_u16(query, 1);
  return query;
}

std::vector<BypassAttempt> bypass_attempts(const std::vector<IpAddress>& targets,
                                           const std::string& allowed_name,
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
  all.push_back(
      {"a name that is not allowed", [] { return !addresses_of("example.com").empty(); }});
  all.push_back({"a name that carries data", [] {
                   const std::string label(60, 'd');
                   return !addresses_of(label + '.' + label + ".1.1.1.1.nip.io").empty();
                 }});
  all.push_back({"a forbidden SNI at an allowed host's address",
                 [=] { return says_hello_to(allowed_name, "example.com"); }});
  all.push_back(
      {"no SNI at an allowed host's address", [=] { return says_hello_to(allowed_name, ""); }});
  for (const IpAddress& target : targets) add_target(all, target, allowed_name);
  return all;
}

}  // namespace picortex
