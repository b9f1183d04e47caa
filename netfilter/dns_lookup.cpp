#include "netfilter/dns_lookup.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "netfilter/socket_address.h"

namespace picortex {
namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr std::uint16_t kDnsPort = 53;
// Source ports are taken from below the kernel's own range (ip_local_port_range), which the fenced
// user's resolvers get theirs from: a query of the user's with the port of one of ours would belong
// to our entry in the kernel's connection table, and so not be redirected but refused.
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

DnsLookup::DnsLookup(Reactor& reactor, DeadlineList& time_limits, RandomPool& random,
                     DnsLookupOwner& owner)
    : reactor_(reactor), time_limits_(time_limits), random_(random), owner_(owner) {}

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
  settled_ = true;
  while (!stopping_ && attempt_ < kAttempts) {
    ++attempt_;
    step_ = Step::udp;
    id_ = static_cast<std::uint16_t>(random_.next());
    if (!open(SOCK_DGRAM) || !send_query(false)) continue;
    time_limits_.start(time_limit_, reactor_.now());
    wait_for(POLLIN);
    return;
  }
  finish(nullptr);
}

// A fresh socket, so a source port that nobody can know.
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
  settled_ = false;
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
  constexpr int kDatagramsATurn = 16;  // forged ones must not hold the loop
  for (int i = 0; i < kDatagramsATurn; ++i) {
    const ssize_t size = recv(socket_.number(), message.data(), message.size(), 0);
    if (size < 0 && errno == EAGAIN) break;
    if (size < 0) return try_next();  // nobody there: ECONNREFUSED
    take({message.data(), static_cast<std::size_t>(size)}, false);
    if (settled_) return;
  }
  wait_for(POLLIN);
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
      take(std::span(input_).subspan(2, length), true);
      return settled_ ? void() : try_next();
    }
  }
  wait_for(POLLIN);
}

void DnsLookup::take(std::span<const std::uint8_t> message, bool is_tcp) {
  const DnsAnswerStatus status = parse_dns_answer(message, id_, name_, type_, answer_);
  if (status == DnsAnswerStatus::mismatch) return;
  settled_ = true;
  if (status == DnsAnswerStatus::malformed || (answer_.truncated && is_tcp)) return try_next();
  if (answer_.truncated) {
    step_ = Step::tcp_connect;
    if (!open(SOCK_STREAM)) return try_next();
    return wait_for(POLLOUT);
  }
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
