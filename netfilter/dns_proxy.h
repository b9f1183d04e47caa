#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "netfilter/dns_lookup.h"
#include "netfilter/dns_message.h"
#include "netfilter/socket_address.h"
#include "reactor/file_descriptor.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// Where a question came from.
struct DnsAsker {
  IpAddress source;
  std::uint16_t source_port = 0;
  std::uint8_t protocol = 0;  // UDP or TCP
};

// Who decides what names the fenced user may resolve, and to what.
class NameJudge {
 public:
  // `name` is empty when what was asked is no host's name.
  virtual bool may_resolve(const DnsAsker& asker, const HostName& name) noexcept = 0;
  // Whether the client may learn that the name has this address. When it may, the address agrees
  // with the name from now on: the answer leaves only after this.
  virtual bool admit_answer(const DnsAsker& asker, const HostName& name, const IpAddress& address,
                            std::uint32_t ttl_s) noexcept = 0;

 protected:
  ~NameJudge() = default;
};

struct DnsFigures {
  std::uint64_t queries = 0;
  std::uint64_t refused = 0;  // names that are not allowed
  std::uint64_t forwarded = 0;
  std::uint64_t failed = 0;    // no server answered, or too many lookups at once
  std::uint64_t withheld = 0;  // addresses that a name may not have
};

// The resolver that the fenced user's port 53 is redirected to: UDP and TCP on 127.0.0.1 and ::1.
// Answers A and AAAA of allowed names from the host's own resolvers, NXDOMAIN at once for the
// others, NODATA for every other type, so that no answer carries more than addresses.
//
// Bounded: kLookupsMax names asked at a time and kConnectionsMax TCP clients; beyond that SERVFAIL
// and a closed connection.
class DnsProxy final : private DnsLookupOwner {
 public:
  static constexpr std::size_t kLookupsMax = 512;
  static constexpr std::size_t kConnectionsMax = 64;

  // Binds `port` on both loopback addresses; ::1 is left out where the host has no IPv6. `judge`
  // and `reactor` outlive it.
  static Result<std::unique_ptr<DnsProxy>> open(Reactor& reactor, std::uint16_t port,
                                                NameJudge& judge);
  ~DnsProxy();

  void start();
  void stop();
  bool is_idle() const noexcept;

  const DnsFigures& figures() const noexcept { return figures_; }

 private:
  struct Connection;

  // A socket of one address family on which clients ask.
  struct Listener {
    Listener(DnsProxy& owner, FileDescriptor udp_socket, FileDescriptor tcp_socket)
        : proxy(owner), udp(std::move(udp_socket)), tcp(std::move(tcp_socket)) {}
    void on_datagrams(const Completion& completion) noexcept;
    void on_accept(const Completion& completion) noexcept;

    DnsProxy& proxy;
    FileDescriptor udp;
    FileDescriptor tcp;
    Operation receive = Operation::to<&Listener::on_datagrams>(*this);
    Operation accept = Operation::to<&Listener::on_accept>(*this);
  };

  // Whom an answer goes to: a datagram's sender, or a connection that may be gone by then.
  struct Client {
    DnsAsker asker;
    int socket = -1;  // the listener's, of UDP
    SocketAddress address;
    std::uint64_t connection = 0;  // its serial number, of TCP
  };

  // A client's question while it is being asked upstream.
  struct Pending {
    explicit Pending(DnsProxy& proxy)
        : lookup(proxy.reactor_, proxy.time_limits_, proxy.random_, proxy) {}

    Client client;
    std::vector<std::uint8_t> message;  // what `query` views
    DnsQuery query;
    DnsLookup lookup;
    bool is_used = false;
  };

  // One TCP client: a question at a time, each behind its length (RFC 7766).
  struct Connection {
    Connection(DnsProxy& owner, FileDescriptor accepted, const DnsAsker& asked_by,
               std::uint64_t number)
        : proxy(owner), socket(std::move(accepted)), asker(asked_by), serial(number) {}
    void on_readable(const Completion& completion) noexcept;
    void on_idle() noexcept;
    void close();
    void take_question();

    DnsProxy& proxy;
    FileDescriptor socket;
    DnsAsker asker;
    std::uint64_t serial;
    std::vector<std::uint8_t> input;
    bool waits_for_answer = false;
    bool closing = false;
    Operation poll = Operation::to<&Connection::on_readable>(*this);
    Deadline idle = Deadline::to<&Connection::on_idle>(*this);
  };

  DnsProxy(Reactor& reactor, NameJudge& judge);

  Result<void> listen(const IpAddress& address, std::uint16_t port);
  void take(const Client& client, std::span<const std::uint8_t> message);
  Pending* free_pending();
  void on_lookup_end(DnsLookup& lookup, const DnsAnswer* answer) noexcept override;
  void pass_on(const Pending& pending, const DnsAnswer& answer);
  void send_datagrams() noexcept;
  void respond(const Client& client, const DnsQuery& query, DnsRcode rcode,
               std::span<const IpAddress> addresses = {}, std::uint32_t ttl_s = 0);
  void sweep() noexcept;

  Reactor& reactor_;
  NameJudge& judge_;
  RandomPool random_;
  DnsServers servers_;
  DeadlineList time_limits_{DnsLookup::kAttemptTime};
  DeadlineList idle_limits_{std::chrono::seconds(10)};
  std::list<Listener> listeners_;
  std::vector<std::unique_ptr<Pending>> pending_;
  std::list<Connection> connections_;
  std::uint64_t last_serial_ = 0;
  std::string out_;
  // Answers of this turn, sent at its end: a client closes its socket with the answer, and until
  // then the observer can find out whose it is. The entries are reused.
  struct Datagram {
    int socket = -1;
    SocketAddress address;
    std::string bytes;
  };
  std::vector<Datagram> datagrams_;
  std::size_t datagrams_used_ = 0;
  DnsFigures figures_;
  bool stopping_ = false;
};

}  // namespace picortex
