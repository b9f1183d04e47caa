// Traffic for fence_bench.mjs: the peer that it connects to, and the fenced user's clients.
//
//   serve ADDRESS PORT [CERT KEY]       answers the first bytes of each connection, reads the rest; with
//                                       a certificate as a TLS server would, else with canned bytes
//   hello ADDRESS PORT NAME COUNT       µs from connect to the first answer byte, a line each
//   tls ADDRESS PORT NAME COUNT         µs from connect through a TLS handshake and a request, each
//   upload ADDRESS PORT NAME SECONDS    bits a second that the peer took
//   tls-by-proxy ADDRESS PORT NAME PORT COUNT, upload-by-proxy ADDRESS PORT NAME PORT SECONDS
//                                       the same through an HTTP proxy, which is asked for NAME:PORT
//   flood SOURCE ADDRESS PORT SECONDS   SYNs from a raw socket, as many as it can; how many it sent
//   burst ADDRESS PORT COUNT            connects without waiting; how many were denied
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_descriptor.h"

namespace {

using picortex::FileDescriptor;
using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "fence_traffic: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

sockaddr_in endpoint(const char* address, const char* port) {
  sockaddr_in end{};
  end.sin_family = AF_INET;
  end.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  if (inet_pton(AF_INET, address, &end.sin_addr) != 1) fail(address);
  return end;
}

FileDescriptor open_socket(int flags = 0) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!socket.is_open()) fail("socket");
  const int one = 1;
  setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return socket;
}

FileDescriptor connect_to(const sockaddr_in& end) {
  FileDescriptor socket = open_socket();
  if (connect(socket.number(), reinterpret_cast<const sockaddr*>(&end), sizeof end) != 0) {
    fail("connect");
  }
  return socket;
}

void send_all(int socket, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) fail("send");
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void expect_answer(int socket) {
  std::array<char, 4096> answer;
  if (recv(socket, answer.data(), answer.size(), 0) <= 0) fail("no answer");
}

// Where a client connects to, and what it asks a proxy there for, if it is one: "NAME:PORT".
struct Target {
  sockaddr_in end;
  std::string asked_of_proxy;
};

FileDescriptor reach(const Target& target) {
  FileDescriptor socket = connect_to(target.end);
  if (target.asked_of_proxy.empty()) return socket;
  const std::string request = "CONNECT " + target.asked_of_proxy +
                              " HTTP/1.1\r\nHost: " + target.asked_of_proxy + "\r\n\r\n";
  send_all(socket.number(), request);
  std::string answer;
  while (!answer.ends_with("\r\n\r\n")) {
    char next = 0;
    if (recv(socket.number(), &next, 1, 0) != 1) fail("the proxy");
    answer += next;
  }
  if (!answer.starts_with("HTTP/1.1 200")) fail("the proxy denies it");
  return socket;
}

double microseconds_since(Clock::time_point began) {
  return std::chrono::duration<double, std::micro>(Clock::now() - began).count();
}

using TlsContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Tls = std::unique_ptr<SSL, decltype(&SSL_free)>;

TlsContext make_context() { return {SSL_CTX_new(TLS_client_method()), &SSL_CTX_free}; }

Tls make_tls(SSL_CTX* context, const char* name) {
  Tls tls(SSL_new(context), &SSL_free);
  SSL_set_tlsext_host_name(tls.get(), name);
  return tls;
}

// Returns the ClientHello that OpenSSL would send.
std::string client_hello(const char* name) {
  const TlsContext context = make_context();
  const Tls tls = make_tls(context.get(), name);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(tls.get(), BIO_new(BIO_s_mem()), out);
  SSL_connect(tls.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

// Returns the beginning of a TLS server's hello, by which the kernel takes a connection over, and
// filler.
std::string server_hello() {
  std::string answer("\x16\x03\x03\x00\x7b\x02\x00\x00\x77\x03\x03", 11);
  answer.resize(128, 'r');
  return answer;
}

TlsContext make_server_context(const char* certificate, const char* key) {
  TlsContext context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (SSL_CTX_use_certificate_file(context.get(), certificate, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key, SSL_FILETYPE_PEM) != 1) {
    fail("the certificate");
  }
  return context;
}

// Returns what the server sends after `hello`, for peers that read it.
std::string answer_to(SSL_CTX* context, std::span<const char> hello) {
  const Tls tls(SSL_new(context), &SSL_free);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(tls.get(), in, out);
  BIO_write(in, hello.data(), static_cast<int>(hello.size()));
  SSL_accept(tls.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

int serve(const sockaddr_in& end, SSL_CTX* context) {
  const FileDescriptor listener = open_socket();
  const int one = 1;
  setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener.number(), reinterpret_cast<const sockaddr*>(&end), sizeof end) != 0 ||
      listen(listener.number(), 64) != 0) {
    fail("listen");
  }
  std::vector<char> buffer(1 << 20);
  const std::string canned = server_hello();
  for (;;) {
    const FileDescriptor peer(accept(listener.number(), nullptr, nullptr));
    if (!peer.is_open()) fail("accept");
    const ssize_t size = recv(peer.number(), buffer.data(), buffer.size(), 0);
    if (size <= 0) continue;
    const std::span hello(buffer.data(), static_cast<std::size_t>(size));
    const std::string answer = context == nullptr ? canned : answer_to(context, hello);
    send(peer.number(), answer.data(), answer.size(), MSG_NOSIGNAL);
    while (recv(peer.number(), buffer.data(), buffer.size(), 0) > 0) {
    }
    send(peer.number(), buffer.data(), 1, MSG_NOSIGNAL);  // the client sent all of it
  }
}

int time_hellos(const sockaddr_in& end, const char* name, int count) {
  const std::string hello = client_hello(name);
  for (int i = 0; i < count; ++i) {
    const auto began = Clock::now();
    const FileDescriptor socket = connect_to(end);
    send_all(socket.number(), hello);
    expect_answer(socket.number());
    std::printf("%.1f\n", microseconds_since(began));
  }
  return 0;
}

int time_tls(const Target& target, const char* name, int count) {
  const TlsContext context = make_context();
  const std::string request = std::string("GET / HTTP/1.1\r\nHost: ") + name + "\r\n\r\n";
  for (int i = 0; i < count; ++i) {
    const auto began = Clock::now();
    const FileDescriptor socket = reach(target);
    const Tls tls = make_tls(context.get(), name);
    SSL_set_fd(tls.get(), socket.number());
    std::array<char, 4096> answer;
    if (SSL_connect(tls.get()) != 1 ||
        SSL_write(tls.get(), request.data(), static_cast<int>(request.size())) <= 0 ||
        SSL_read(tls.get(), answer.data(), static_cast<int>(answer.size())) <= 0) {
      fail("TLS");
    }
    std::printf("%.1f\n", microseconds_since(began));
  }
  return 0;
}

int upload(const Target& target, const char* name, double seconds) {
  const FileDescriptor socket = reach(target);
  send_all(socket.number(), client_hello(name));
  expect_answer(socket.number());
  // The largest records of application data: a handshake would be followed by such records.
  constexpr std::size_t kRecordSize = 5 + (16 << 10);
  std::vector<char> block(16 * kRecordSize);
  for (std::size_t at = 0; at < block.size(); at += kRecordSize) {
    constexpr char kHeader[] = {0x17, 0x03, 0x03, 0x40, 0x00};
    std::memcpy(block.data() + at, kHeader, sizeof kHeader);
  }
  const auto began = Clock::now();
  std::uint64_t sent = 0;
  while (microseconds_since(began) < seconds * 1e6) {
    send_all(socket.number(), block);
    sent += block.size();
  }
  shutdown(socket.number(), SHUT_WR);
  // The peer's last byte, when it has all. A proxy may end both directions at once instead: what it
  // holds by then counts as well.
  if (char last = 0; recv(socket.number(), &last, 1, 0) < 0) fail("the end");
  std::printf("%.0f\n", static_cast<double>(sent) * 8e6 / microseconds_since(began));
  return 0;
}

struct Syn {
  iphdr ip{};
  tcphdr tcp{};
};

std::uint16_t checksum(std::span<const std::uint16_t> words, std::uint32_t sum) {
  for (const std::uint16_t word : words) sum += word;
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~(sum + (sum >> 16)));
}

Syn make_syn(const in_addr& source, const sockaddr_in& end, std::uint16_t source_port) {
  Syn syn;
  syn.ip.version = 4;
  syn.ip.ihl = 5;
  syn.ip.ttl = 64;
  syn.ip.protocol = IPPROTO_TCP;
  syn.ip.tot_len = htons(sizeof syn);
  syn.ip.saddr = source.s_addr;
  syn.ip.daddr = end.sin_addr.s_addr;
  syn.tcp.source = htons(source_port);
  syn.tcp.dest = end.sin_port;
  syn.tcp.seq = htonl(source_port * 7919U);
  syn.tcp.doff = 5;
  syn.tcp.syn = 1;
  syn.tcp.window = htons(64240);
  std::array<std::uint16_t, sizeof(tcphdr) / 2> words;
  std::memcpy(words.data(), &syn.tcp, sizeof syn.tcp);
  const std::uint32_t addresses = (syn.ip.saddr & 0xffff) + (syn.ip.saddr >> 16) +
                                  (syn.ip.daddr & 0xffff) + (syn.ip.daddr >> 16);
  syn.tcp.check =
      checksum(words, addresses + htons(IPPROTO_TCP) + htons(std::uint16_t{sizeof(tcphdr)}));
  return syn;
}

int flood(const char* source, const sockaddr_in& end, double seconds) {
  in_addr from{};
  if (inet_pton(AF_INET, source, &from) != 1) fail(source);
  // A socket blocks once about 300 of its packets are queued: this many sockets fill the queue.
  constexpr std::size_t kSockets = 32;
  std::vector<FileDescriptor> sockets;
  for (std::size_t i = 0; i < kSockets; ++i) {
    sockets.emplace_back(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
    if (!sockets.back().is_open()) fail("raw socket");
  }
  constexpr std::uint16_t kFirstPort = 10'000, kPorts = 40'000;
  std::vector<Syn> syns;
  for (std::uint16_t i = 0; i < kPorts; ++i) {
    syns.push_back(make_syn(from, end, static_cast<std::uint16_t>(kFirstPort + i)));
  }
  const auto began = Clock::now();
  std::uint64_t sent = 0;
  for (std::size_t i = 0; i % 64 != 0 || microseconds_since(began) < seconds * 1e6; ++i) {
    const Syn& syn = syns[i % syns.size()];
    // The queue is full at times; the kernel then drops the packet and reports that.
    if (sendto(sockets[i % kSockets].number(), &syn, sizeof syn, 0,
               reinterpret_cast<const sockaddr*>(&end), sizeof end) >= 0) {
      ++sent;
    }
  }
  std::printf("%llu\n", static_cast<unsigned long long>(sent));
  return 0;
}

int burst(const sockaddr_in& end, int count) {
  constexpr int kAtOnce = 500;
  int rejected = 0;
  for (int done = 0; done < count; done += kAtOnce) {
    std::vector<FileDescriptor> sockets;
    for (int i = 0; i < std::min(kAtOnce, count - done); ++i) {
      sockets.push_back(open_socket(SOCK_NONBLOCK));
      const int answer =
          connect(sockets.back().number(), reinterpret_cast<const sockaddr*>(&end), sizeof end);
      if (answer != 0 && errno != EINPROGRESS) fail("connect");
    }
    for (const FileDescriptor& socket : sockets) {
      pollfd wanted{socket.number(), POLLOUT, 0};
      poll(&wanted, 1, 2000);
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &size);
      rejected += error == ECONNREFUSED ? 1 : 0;
    }
  }
  std::printf("%d\n", rejected);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> words(argv + 1, static_cast<std::size_t>(argc - 1));
  const std::string what = words.empty() ? "" : words[0];
  if (what == "serve" && words.size() == 3) return serve(endpoint(words[1], words[2]), nullptr);
  if (what == "serve" && words.size() == 5) {
    return serve(endpoint(words[1], words[2]), make_server_context(words[3], words[4]).get());
  }
  if (what == "hello" && words.size() == 5) {
    return time_hellos(endpoint(words[1], words[2]), words[3], std::atoi(words[4]));
  }
  if (what == "tls" && words.size() == 5) {
    return time_tls({endpoint(words[1], words[2]), ""}, words[3], std::atoi(words[4]));
  }
  if (what == "upload" && words.size() == 5) {
    return upload({endpoint(words[1], words[2]), ""}, words[3], std::atof(words[4]));
  }
  if (what.ends_with("-by-proxy") && words.size() == 6) {
    const Target target{endpoint(words[1], words[2]), std::string(words[3]) + ':' + words[4]};
    return what.starts_with("tls") ? time_tls(target, words[3], std::atoi(words[5]))
                                   : upload(target, words[3], std::atof(words[5]));
  }
  if (what == "flood" && words.size() == 5) {
    return flood(words[1], endpoint(words[2], words[3]), std::atof(words[4]));
  }
  if (what == "burst" && words.size() == 4) {
    return burst(endpoint(words[1], words[2]), std::atoi(words[3]));
  }
  std::fprintf(stderr, "fence_traffic: see the head of its source\n");
  return 2;
}
