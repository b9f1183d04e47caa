#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/uuid/random_pool.h"
#include "netfilter/dns/dns_message.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// The resolvers that the host itself uses: the nameserver lines of resolv.conf(5), read again when
// the file has changed. Without any, 127.0.0.1 as in the C library.
class DnsServers {
 public:
  static constexpr std::size_t kServersMax = 3;

  // Returns the current list; checks the file at most once a second.
  const std::vector<IpAddress>& get(Instant now);

  static std::vector<IpAddress> parse(std::string_view text);

 private:
  std::vector<IpAddress> servers_;
  Instant next_look_{};
  std::int64_t modified_ns_ = -1;
  std::uint64_t inode_ = 0;
};

// Counts datagrams from a resolver's address that were not the expected answer. To a connected
// socket that is seconds old, such a datagram is only sent to forge an answer: every user can read
// the socket's port in /proc/net/udp. Each is one guess at 16 bits of ID and one bit for each
// letter of the name, and since one ends its attempt, this bounds the guesses.
class DnsMismatches {
 public:
  static constexpr int kMax = 8;  // per minute; after these everything is asked over TCP
  static constexpr std::chrono::minutes kTcpTime{10};

  void note(Instant now);
  // True while look-ups must not use UDP.
  bool forbid_udp(Instant now) const noexcept { return now < tcp_until_; }
  std::uint64_t count() const noexcept { return count_; }

 private:
  std::uint64_t count_ = 0;
  int this_minute_ = 0;
  Instant minute_end_{};
  Instant tcp_until_{};
};

class DnsLookup;

// Starts a look-up, and receives its result once.
class DnsLookupOwner {
 public:
  // `answer` is null if no server gave one in time. The look-up is idle and may start again.
  virtual void on_lookup_end(DnsLookup& lookup, const DnsAnswer* answer) noexcept = 0;

 protected:
  ~DnsLookupOwner() = default;
};

// One name being resolved by the host's resolvers: over UDP, each attempt with its own ID, source
// port and mixture of capital letters (0x20), which the answer must repeat; over TCP if the answer
// was truncated, or after the first datagram that was not the answer; at the next server after a
// failure or a time-out. Reused; one name at a time. The socket is closed only when nothing is in
// flight on it.
//
//   step         event                                            next step
//   idle         start()                                          udp, tcp_connect where UDP is
//                                                                 forbidden (DnsMismatches)
//   udp          the answer                                       idle, and the owner has it
//                the answer, cut, or a datagram that does not     tcp_connect, at the same server
//                belong to the question
//   tcp_connect  connected, and the query is sent                 tcp_read
//   tcp_read     the answer                                       idle, and the owner has it
//   any of them  an error, a failure of the server, kAttemptTime  as from idle, at the next server
//                has passed since the attempt began               (UDP and TCP are one attempt)
//                the same in the last attempt, or after stop()    idle, and the owner has null
class DnsLookup {
 public:
  static constexpr int kAttempts = 3;
  static constexpr std::chrono::milliseconds kAttemptTime{1500};

  // `time_limits` must have the length kAttemptTime.
  DnsLookup(Reactor& reactor, DeadlineList& time_limits, RandomPool& random,
            DnsMismatches& mismatches, DnsLookupOwner& owner);

  // `type` is A or AAAA.
  void start(const std::vector<IpAddress>& servers, const HostName& name, std::uint16_t type);
  // Ends the current attempt as if it had timed out, and makes no other.
  void stop();
  bool is_idle() const noexcept { return !poll_.in_flight(); }

 private:
  enum class Step : std::uint8_t { udp, tcp_connect, tcp_read };

  void try_next();
  void begin_tcp();
  void mix_case(std::size_t begin);
  bool repeats_question(std::span<const std::uint8_t> message) const noexcept;
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
  DnsMismatches& mismatches_;
  DnsLookupOwner& owner_;
  std::vector<IpAddress> servers_;
  HostName name_;
  std::uint16_t type_ = 0;
  std::uint16_t id_ = 0;
  int attempt_ = 0;
  Step step_ = Step::udp;
  bool timed_out_ = false;
  bool stopping_ = false;
  FileDescriptor socket_;
  std::string message_;              // the query as sent
  std::vector<std::uint8_t> input_;  // of TCP, as far as it has arrived
  DnsAnswer answer_;
  Operation poll_ = Operation::to<&DnsLookup::on_poll>(*this);
  Deadline time_limit_ = Deadline::to<&DnsLookup::on_time_limit>(*this);
};

}  // namespace picortex
