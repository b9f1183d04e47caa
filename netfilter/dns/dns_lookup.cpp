#include "netfilter/dns/dns_lookup.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/net/socket_address.h"
#include "base/text.h"

namespace picortex {
namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr std::uint16_t kDnsPort = 53;
// Source ports are taken from below the kernel's own range (ip_local_port_range), where they cannot
// collide with other sockets.
constexpr std::uint16_t kSourcePortFirst = 10'000;
constexpr std::uint16_t kSourcePorts = 22'768;
constexpr int kBindAttempts = 8;

}  // namespace

std::vector<IpAddress> DnsServers::parse(std::string_view text) {
  std::vector<IpAddress> servers;
  while (!text.empty() && servers.size() < kServersMax) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    constexpr std::string_view kWord = "nameserver";
    if (!line.starts_with(kWord) || line.size() == kWord.size()) continue;
    line.remove_prefix(kWord.size());
    if (line.front() != ' ' && line.front() != '\t') continue;
    line = trimmed(line);
    if (const auto address = parse_ip_address(line.substr(0, line.find_first_of(" \t%")))) {
      servers.push_back(*address);
    }
  }
  if (servers.empty()) servers.push_back(*parse_ip_address("127.0.0.1"));
  return servers;
}

const std::vector<IpAddress>& DnsServers::get(Instant now) {
  if (!servers_.empty() && now < next_look_) return servers_;
  next_look_ = now + std::chrono::seconds(1);
  struct stat status {};
  std::int64_t modified_ns = 0;
  if (stat(kResolvConf, &status) == 0) {
    modified_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  }
  if (!servers_.empty() && modified_ns == modified_ns_ && status.st_ino == inode_) return servers_;
  modified_ns_ = modified_ns;
  inode_ = status.st_ino;
  std::ifstream file(kResolvConf);
  servers_ = parse(std::string{std::istreambuf_iterator<char>(file), {}});
  return servers_;
}

void DnsMismatches::note(Instant now) {
  ++count_;
  if (now >= minute_end_) {
    minute_end_ = now + std::chrono::minutes(1);
    this_minute_ = 0;
  }
  if (++this_minute_ >= kMax) tcp_until_ = now + kTcpTime;
}

DnsLookup::DnsLookup(Reactor& reactor, DeadlineList& time_limits, RandomPool& random,
                     DnsMismatches& mismatches, DnsLookupOwner& owner)
    : reactor_(reactor),
      time_limits_(time_limits),
      random_(random),
      mismatches_(mismatches),
      owner_(owner) {}

void DnsLookup::start(const std::vector<IpAddress>& servers, const HostName& name,
                      std::uint16_t type) {
  CHECK(is_idle() && !servers.empty());
  servers_ = servers;
  name_ = name;
  type_ = type;
  attempt_ = 0;
  stopping_ = false;
  try_next();
}

void DnsLookup::stop() {
  stopping_ = true;
  on_time_limit();
}

void DnsLookup::try_next() {
  while (!stopping_ && attempt_ < kAttempts) {
    ++attempt_;
    id_ = static_cast<std::uint16_t>(random_.next());
    // While answers are being forged, a TCP connection is what an attacker off the path cannot
    // join.
    if (mismatches_.forbid_udp(reactor_.now())) {
      step_ = Step::tcp_connect;
      if (!open(SOCK_STREAM)) continue;
      time_limits_.start(time_limit_, reactor_.now());
      wait_for(POLLOUT);
      return;
    }
    step_ = Step::udp;
    if (!open(SOCK_DGRAM) || !send_query(false)) continue;
    time_limits_.start(time_limit_, reactor_.now());
    wait_for(POLLIN);
    return;
  }
  finish(nullptr);
}

// At the same server, within the time of the attempt.
void DnsLookup::begin_tcp() {
  step_ = Step::tcp_connect;
  id_ = static_cast<std::uint16_t>(random_.next());
  if (!open(SOCK_STREAM)) return try_next();
  wait_for(POLLOUT);
}

// The case of the question's letters, which servers repeat and otherwise ignore
// (draft-vixie-dnsext-dns0x20). The sizes of labels are not letters.
void DnsLookup::mix_case(std::size_t begin) {
  std::uint64_t bits = 0;
  int left = 0;
  for (std::size_t i = begin; i < message_.size() && message_[i] != '\0'; ++i) {
    if (message_[i] < 'a' || message_[i] > 'z') continue;
    if (left == 0) {
      bits = random_.next();
      left = 64;
    }
    if ((bits & 1) != 0) message_[i] = static_cast<char>(message_[i] - 'a' + 'A');
    bits >>= 1;
    --left;
  }
}

bool DnsLookup::repeats_question(std::span<const std::uint8_t> message) const noexcept {
  constexpr std::size_t kHeaderSize = 12;
  const std::size_t end = message_.find('\0', kHeaderSize);
  if (end == message_.npos || message.size() <= end) return false;
  const auto* sent = reinterpret_cast<const std::uint8_t*>(message_.data());
  return std::equal(sent + kHeaderSize, sent + end + 1, message.begin() + kHeaderSize);
}

// Opens a new socket, so that the source port cannot be known in advance.
bool DnsLookup::open(int type) {
  const auto index = static_cast<std::size_t>(attempt_ - 1) % servers_.size();
  const SocketAddress server(servers_[index], kDnsPort);
  socket_.reset(::socket(server.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  for (int i = 0; i < kBindAttempts && socket_.is_open(); ++i) {
    const auto port = static_cast<std::uint16_t>(kSourcePortFirst + random_.next() % kSourcePorts);
    const SocketAddress any(IpAddress{.bytes = {}, .is_v6 = servers_[index].is_v6}, port);
    if (bind(socket_.number(), &any.any, any.size) == 0) break;
  }
  return socket_.is_open() &&
         (connect(socket_.number(), &server.any, server.size) == 0 || errno == EINPROGRESS);
}

bool DnsLookup::send_query(bool framed) {
  message_.assign(framed ? 2 : 0, '\0');
  append_dns_query(message_, id_, name_, type_);
  if (framed) {
    const std::size_t size = message_.size() - 2;
    message_[0] = static_cast<char>(size >> 8);
    message_[1] = static_cast<char>(size);
  } else {
    constexpr std::size_t kHeaderSize = 12;
    mix_case(kHeaderSize);
  }
  const ssize_t sent = send(socket_.number(), message_.data(), message_.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(message_.size());
}

void DnsLookup::wait_for(short events) {
  timed_out_ = false;
  reactor_.ring().poll(poll_, socket_.number(), events);
}

void DnsLookup::on_time_limit() noexcept {
  timed_out_ = true;
  time_limit_.stop();
  if (poll_.in_flight()) reactor_.ring().cancel(poll_);
}

void DnsLookup::on_poll(const Completion& completion) noexcept {
  if (timed_out_ || completion.result < 0) return try_next();
  switch (step_) {
    case Step::udp:
      return read_udp();
    case Step::tcp_connect:
      if (!send_query(true)) return try_next();
      step_ = Step::tcp_read;
      input_.clear();
      return wait_for(POLLIN);
    case Step::tcp_read:
      return read_tcp();
  }
}

void DnsLookup::read_udp() {
  std::array<std::uint8_t, kDnsUdpSizeMax> message;
  const ssize_t size = recv(socket_.number(), message.data(), message.size(), 0);
  if (size < 0 && errno == EAGAIN) return wait_for(POLLIN);
  if (size < 0) return try_next();  // no server there: ECONNREFUSED
  take({message.data(), static_cast<std::size_t>(size)}, false);
}

void DnsLookup::read_tcp() {
  std::array<std::uint8_t, 4096> bytes;
  const ssize_t size = recv(socket_.number(), bytes.data(), bytes.size(), 0);
  if (size < 0 && errno == EAGAIN) return wait_for(POLLIN);
  if (size <= 0) return try_next();
  input_.insert(input_.end(), bytes.begin(), bytes.begin() + size);
  if (input_.size() >= 2) {
    const std::size_t length = std::size_t{input_[0]} << 8 | input_[1];
    if (input_.size() >= length + 2) {
      return take(std::span(input_).subspan(2, length), true);
    }
  }
  wait_for(POLLIN);
}

void DnsLookup::take(std::span<const std::uint8_t> message, bool is_tcp) {
  const DnsAnswerStatus status = parse_dns_answer(message, id_, name_, type_, answer_);
  // One wrong datagram ends the attempt over UDP: waiting for a better one would give a forger more
  // guesses.
  if (!is_tcp && (status == DnsAnswerStatus::mismatch || !repeats_question(message))) {
    mismatches_.note(reactor_.now());
    return begin_tcp();
  }
  if (status == DnsAnswerStatus::mismatch) return try_next();
  if (status == DnsAnswerStatus::malformed || (answer_.truncated && is_tcp)) return try_next();
  if (answer_.truncated) return begin_tcp();
  // SERVFAIL and the like say nothing about the name; another server may know it.
  if (answer_.rcode != DnsRcode::no_error && answer_.rcode != DnsRcode::name_error) {
    return try_next();
  }
  finish(&answer_);
}

void DnsLookup::finish(const DnsAnswer* answer) {
  time_limit_.stop();
  socket_.reset();
  owner_.on_lookup_end(*this, answer);
}

}  // namespace picortex
