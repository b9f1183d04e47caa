#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/random_pool.h"
#include "netfilter/dns_message.h"
#include "reactor/file_descriptor.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// The resolvers that the host itself uses: the nameserver lines of resolv.conf(5), read again when
// the file has changed. Without any, 127.0.0.1 as in the C library.
class DnsServers {
 public:
  static constexpr std::size_t kServersMax = 3;

  // The list of now; looks at the file once a second at most.
  const std::vector<IpAddress>& get(Instant now);

  static std::vector<IpAddress> parse(std::string_view text);

 private:
  std::vector<IpAddress> servers_;
  Instant next_look_{};
  std::int64_t modified_ns_ = -1;
  std::uint64_t inode_ = 0;
};

class DnsLookup;

// Who started a lookup, and hears of its end once.
class DnsLookupOwner {
 public:
  // `answer` is null when no server gave one in time. The lookup is idle and may start again.
  virtual void on_lookup_end(DnsLookup& lookup, const DnsAnswer* answer) noexcept = 0;

 protected:
  ~DnsLookupOwner() = default;
};

// One name being asked of the host's resolvers: over UDP, each attempt with an id and a source port
// of its own, over TCP when the answer was cut, at the next server after a failure or a time-out.
// Reused; one name at a time. The socket closes only when nothing is in flight on it.
class DnsLookup {
 public:
  static constexpr int kAttempts = 3;
  static constexpr std::chrono::milliseconds kAttemptTime{1500};

  // `time_limits` has the length kAttemptTime.
  DnsLookup(Reactor& reactor, DeadlineList& time_limits, RandomPool& random, DnsLookupOwner& owner);

  // `type`: A or AAAA.
  void start(const std::vector<IpAddress>& servers, const HostName& name, std::uint16_t type);
  // Ends the attempt under way as if its time were up, and makes no other.
  void stop();
  bool is_idle() const noexcept { return !poll_.in_flight(); }

 private:
  enum class Step : std::uint8_t { udp, tcp_connect, tcp_read };

  void try_next();
  bool open(int type);
  bool send_query(bool framed);
  void wait_for(short events);
  void on_poll(const Completion& completion) noexcept;
  void on_time_limit() noexcept;
  void read_udp();
  void read_tcp();
  void take(std::span<const std::uint8_t> message, bool is_tcp);
  void finish(const DnsAnswer* answer);

  Reactor& reactor_;
  DeadlineList& time_limits_;
  RandomPool& random_;
  DnsLookupOwner& owner_;
  std::vector<IpAddress> servers_;
  HostName name_;
  std::uint16_t type_ = 0;
  std::uint16_t id_ = 0;
  int attempt_ = 0;
  Step step_ = Step::udp;
  bool timed_out_ = false;
  bool stopping_ = false;
  bool settled_ = false;  // this completion has moved on; nothing to wait for again
  FileDescriptor socket_;
  std::string message_;              // the query as sent
  std::vector<std::uint8_t> input_;  // of TCP, as far as it has come
  DnsAnswer answer_;
  Operation poll_ = Operation::to<&DnsLookup::on_poll>(*this);
  Deadline time_limit_ = Deadline::to<&DnsLookup::on_time_limit>(*this);
};

}  // namespace picortex
