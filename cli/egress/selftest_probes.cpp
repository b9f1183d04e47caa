#include "cli/egress/selftest_probes.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/file_descriptor.h"
#include "cli/egress/attempt_socket.h"
#include "cli/egress/selftest_payloads.h"

namespace picortex {
namespace {

struct Path {
  IpAddress address;
  std::uint16_t port = 443;
  int type = SOCK_STREAM;
  int protocol = 0;
  int flags = 0;  // of the first send: MSG_FASTOPEN connects implicitly
};

std::string receive(const FileDescriptor& socket) {
  std::string answer(2048, '\0');
  const ssize_t size = recv(socket.number(), answer.data(), answer.size(), 0);
  answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return answer;
}

// Connects, sends `words` and waits for an answer. Returns an empty text if none arrived; if
// `words` is empty, the connection itself counts as an answer.
std::string ask(const Path& path, const std::string& words) {
  const SocketAddress to(path.address, path.port);
  const FileDescriptor socket(open_socket(to, path.type, path.protocol));
  if (!socket) return {};
  const bool connects = (path.flags & MSG_FASTOPEN) == 0;
  if (connects && connect(socket.number(), &to.any, to.size) != 0) return {};
  if (words.empty()) return "connected";
  const ssize_t sent =
      sendto(socket.number(), words.data(), words.size(), path.flags | MSG_NOSIGNAL,
             connects ? nullptr : &to.any, connects ? 0 : to.size);
  return sent > 0 ? receive(socket) : std::string();
}

bool answers(const Path& path, const std::string& words = {}) { return !ask(path, words).empty(); }

// Returns whether the last piece is answered, each piece being sent in a segment of its own.
bool answers_pieces(const Path& path, const std::vector<std::string>& pieces,
                    std::chrono::milliseconds pause) {
  const SocketAddress to(path.address, path.port);
  const FileDescriptor socket(open_socket(to, path.type, path.protocol));
  const int one = 1;
  if (!socket || connect(socket.number(), &to.any, to.size) != 0) return false;
  setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (const std::string& piece : pieces) {
    if (&piece != &pieces.front()) std::this_thread::sleep_for(pause);
    if (send(socket.number(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) return false;
  }
  return !receive(socket).empty();
}

// Returns whether a second request on the connection is answered like the first.
bool answers_second(const Path& path, const std::string& first, const std::string& second) {
  const SocketAddress to(path.address, path.port);
  const FileDescriptor socket(open_socket(to, path.type, path.protocol));
  if (!socket || connect(socket.number(), &to.any, to.size) != 0) return false;
  for (const std::string& request : {first, second}) {
    if (send(socket.number(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
    if (receive(socket).empty()) return false;
  }
  return true;
}

// True for NOERROR with an answer in it.
bool is_resolved(std::string_view reply) {
  return reply.size() > 12 && (reply[3] & 0x0f) == 0 && (reply[6] != 0 || reply[7] != 0);
}

bool resolves(const IpAddress& resolver, const std::string& query, bool by_tcp) {
  const Path path{.address = resolver, .port = 53, .type = by_tcp ? SOCK_STREAM : SOCK_DGRAM};
  const std::string reply = ask(path, by_tcp ? with_size(query) : query);
  const std::size_t skipped = by_tcp ? 2 : 0;
  return reply.size() > skipped && is_resolved(std::string_view(reply).substr(skipped));
}

// Returns whether `attempt` succeeds at any address of the name.
bool at_any_address(const std::string& name,
                    const std::function<bool(const IpAddress& address)>& attempt) {
  return std::ranges::any_of(addresses_of(name), attempt);
}

std::vector<std::string> one_by_one(const std::string& text) {
  std::vector<std::string> bytes;
  for (const char byte : text) bytes.emplace_back(1, byte);
  return bytes;
}

void add_names(std::vector<SelftestProbe>& all, const SelftestNames& names) {
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

// Hellos to the addresses of an allowed host that name another host.
void add_hellos(std::vector<SelftestProbe>& all, const SelftestNames& names) {
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
  for (const std::uint8_t major_version : {3, 4}) {
    const std::string first = client_hello_1_3(names.allowed, KeyShare::none, 3);
    const std::string second = client_hello_1_3(names.forbidden, KeyShare::one, major_version);
    all.push_back({"a forbidden SNI in the second hello, of version " +
                       std::to_string(major_version) + ", at an allowed host's address",
                   [=] {
                     return at_any_address(names.allowed, [&](const IpAddress& address) {
                       return answers_second({.address = address}, first, second);
                     });
                   }});
  }
}

void add_http(std::vector<SelftestProbe>& all, const SelftestNames& names) {
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
  add("a second HTTP request after the first in one segment",
      [=](const Path& path) { return answers(path, allowed + forbidden); });
  const std::string bare = http_request(names.forbidden, "\n");
  add("an HTTP head with bare line feeds", [=](const Path& path) { return answers(path, bare); });
  add("a second HTTP head with bare line feeds",
      [=](const Path& path) { return answers_second(path, allowed, bare); });
  add("HTTP/0.9", [](const Path& path) { return answers(path, "GET /\r\n"); });
}

void add_target(std::vector<SelftestProbe>& all, const IpAddress& target,
                const SelftestNames& names) {
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
    add("v4-mapped IPv6" + at, [=] { return answers({.address = v4_mapped(target)}); });
  }
}

}  // namespace

std::vector<SelftestProbe> bypass_attempts(const std::vector<IpAddress>& targets,
                                           const SelftestNames& names,
                                           const LoopbackService& loopback) {
  std::vector<SelftestProbe> all;
  const auto v4 = *parse_ip_address("127.0.0.1");
  const auto v6 = *parse_ip_address("::1");
  all.push_back({"another user's port on 127.0.0.1",
                 [=] { return answers({.address = v4, .port = loopback.tcp_port}); }});
  all.push_back({"another user's port on ::1",
                 [=] { return answers({.address = v6, .port = loopback.tcp6_port}); }});
  all.push_back({"another user's port on v4-mapped loopback",
                 [=] { return answers({.address = v4_mapped(v4), .port = loopback.tcp_port}); }});
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
