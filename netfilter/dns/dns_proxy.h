#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file_descriptor.h"
#include "base/keyed_hash.h"
#include "base/net/socket_address.h"
#include "base/result.h"
#include "netfilter/attribution/denial_hold.h"
#include "netfilter/dns/dns_lookup.h"
#include "netfilter/dns/dns_message.h"
#include "reactor/operation.h"
#include "reactor/reactor.h"

namespace picortex {

// The origin of a question.
struct DnsAsker {
  IpAddress source;
  std::uint16_t source_port = 0;
  std::uint8_t protocol = 0;  // UDP or TCP
  // For TCP: where the client's own socket is connected to, before any redirection.
  IpAddress destination{};
  std::uint16_t destination_port = 0;
  // For UDP: the packet's mark, as set by the sender's rules.
  std::uint32_t mark = 0;
};

enum class NameRuling : std::uint8_t {
  resolve,         // ask the host's resolvers
  no_data,         // the name exists, without data of this type
  name_error,      // NXDOMAIN
  blocked,         // NXDOMAIN, with the reason that no rule allows the name
  server_failure,  // SERVFAIL: not available now
};

// Decides whose questions are answered, which names may be resolved, and to which addresses.
class NameJudge {
 public:
  // Returns false if the question is another user's. It is then only counted.
  virtual bool serves(const DnsAsker& asker) noexcept = 0;
  // `name` is empty if the question is not for a host's name. `resolve` is allowed only for A and
  // AAAA of a name.
  virtual NameRuling rule_on(const DnsAsker& asker, const HostName& name,
                             std::uint16_t type) noexcept = 0;
  // Returns whether the client may learn that the name has this address. If so, the address agrees
  // with the name from now on: the answer is sent only after this.
  virtual bool allow_answer(const DnsAsker& asker, const HostName& name, const IpAddress& address,
                            std::uint32_t ttl_s) noexcept = 0;
  // Returns whether the process of a denied question is still being searched for.
  virtual bool is_searching() const noexcept { return false; }

 protected:
  ~NameJudge() = default;
};

struct DnsStats {
  std::uint64_t queries = 0;
  std::uint64_t denied = 0;  // names that are not allowed
  std::uint64_t forwarded = 0;
  std::uint64_t failed = 0;      // no server answered, or too many questions at once
  std::uint64_t withheld = 0;    // addresses that a name may not have
  std::uint64_t strangers = 0;   // questions of other users
  std::uint64_t mismatches = 0;  // datagrams instead of an answer: most likely forged
  std::uint64_t lost = 0;        // questions that found the socket's buffer full
  std::uint64_t accept_failures = 0;
};

// The resolver to which the fenced user's port 53 is redirected: UDP and TCP on 127.0.0.1 and ::1.
// Answers A and AAAA of allowed names from the host's own resolvers, NXDOMAIN at once for the
// others, and NODATA for every other type, so that no answer carries more than addresses. NXDOMAIN
// has the reason, in an extended DNS error, for clients that understand it.
//
// Bounded: kLookupsMax names being resolved at a time, one for several questions for the same name,
// and kQuestionsMax questions that wait for an answer, each for at most kQuestionTime before its
// name is asked; kConnectionsMax TCP clients. Beyond that SERVFAIL and a closed connection.
class DnsProxy final : private DnsLookupOwner {
 public:
  static constexpr std::size_t kLookupsMax = 512;
  static constexpr std::size_t kQuestionsMax = 8192;
  static constexpr std::chrono::seconds kQuestionTime{5};  // resolvers ask again after that
  static constexpr std::size_t kConnectionsMax = 64;
  // After an accept that failed, as without a free descriptor, until the next.
  static constexpr std::chrono::milliseconds kAcceptRetryDelay{100};

  // Binds `port` on both loopback addresses, except ::1 if the host has no IPv6. `judge` and
  // `reactor` must outlive this object.
  static Result<std::unique_ptr<DnsProxy>> open(Reactor& reactor, std::uint16_t port,
                                                NameJudge& judge);
  ~DnsProxy();

  void start();
  void stop();
  bool is_idle() const noexcept;

  DnsStats stats() const noexcept;

 private:
  struct Connection;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return hash(text); }
    KeyedHash hash;
  };

  // The receiver of an answer: a datagram's sender, or a connection that may have ended by then.
  struct Client {
    DnsAsker asker;
    int socket = -1;  // for UDP: the listener's socket
    SocketAddress address;
    std::uint64_t connection = 0;  // for TCP: its serial number
  };

  // A socket of one address family on which clients ask.
  struct Listener {
    Listener(DnsProxy& owner, FileDescriptor udp_socket, FileDescriptor tcp_socket)
        : proxy(owner), udp(std::move(udp_socket)), tcp(std::move(tcp_socket)) {}
    void on_datagrams(const Completion& completion) noexcept;
    ssize_t receive_datagram(std::span<std::uint8_t> message, Client& client) noexcept;
    void accept_next();
    void on_accept(const Completion& completion) noexcept;
    void take_connection(FileDescriptor accepted);

    DnsProxy& proxy;
    std::uint32_t dropped = 0;  // datagrams, as counted by the kernel
    FileDescriptor udp;
    FileDescriptor tcp;
    Operation receive = Operation::to<&Listener::on_datagrams>(*this);
    Operation accept = Operation::to<&Listener::on_accept>(*this);
  };

  // A client's question whose name is being resolved, or waits for that.
  struct Question {
    Client client;
    std::vector<std::uint8_t> bytes;  // `query` has views of it
    DnsQuery query;
    Instant deadline;
  };

  // A name that is being resolved, and all questions that wait for it.
  struct Pending {
    explicit Pending(DnsProxy& proxy)
        : lookup(proxy.reactor_, proxy.time_limits_, proxy.random_, proxy.mismatches_, proxy) {}

    std::vector<Question> questions;
    DnsLookup lookup;
    bool is_used = false;
  };

  // One TCP client: one question at a time, each preceded by its length (RFC 7766).
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
  static Result<void> prepare_datagrams(int socket, int family);
  void take(const Client& client, std::span<const std::uint8_t> message);
  void enqueue(const Client& client, const DnsQuery& query);
  bool join_lookup(Question& question);
  void begin_lookup(Pending& pending, Question question);
  void begin_waiting();
  std::string_view key_of(const DnsQuery& query);
  Pending* free_pending();
  void on_lookup_end(DnsLookup& lookup, const DnsAnswer* answer) noexcept override;
  void fail(const Question& question);
  void resume(const Client& client);
  void pass_on(const Question& question, const DnsAnswer& answer);
  void send_datagrams() noexcept;
  void respond(const Client& client, const DnsQuery& query, const DnsReply& reply);
  void respond_blocked(const Client& client, const DnsQuery& query);
  void on_accept_retry() noexcept;
  void sweep() noexcept;

  Reactor& reactor_;
  NameJudge& judge_;
  RandomPool random_;
  DnsServers servers_;
  DeadlineList time_limits_{DnsLookup::kAttemptTime};
  DeadlineList idle_limits_{std::chrono::seconds(10)};
  DeadlineList accept_retries_{kAcceptRetryDelay};
  Deadline accept_retry_ = Deadline::to<&DnsProxy::on_accept_retry>(*this);
  std::list<Listener> listeners_;
  DnsMismatches mismatches_;
  std::vector<std::unique_ptr<Pending>> pending_;
  std::vector<Pending*> free_;
  // By type and name. Clients choose the names.
  std::unordered_map<std::string, Pending*, TextHash, std::equal_to<>> by_name_;
  std::string key_;
  std::deque<Question> waiting_;
  std::size_t questions_ = 0;  // those that wait, and those whose name is being resolved
  std::list<Connection> connections_;
  std::uint64_t last_serial_ = 0;
  std::string out_;
  // Answers of this turn, sent at its end: a client closes its socket with the answer, and until
  // then the observer can find out whose it is. Denials wait for that (DenialHold). The entries are
  // reused.
  struct Datagram {
    int socket = -1;
    bool may_wait = false;
    std::uint32_t mark = 0;
    SocketAddress address;
    std::string bytes;
  };
  void send_datagram(Datagram& datagram) noexcept;
  std::vector<Datagram> datagrams_;
  std::size_t datagrams_used_ = 0;
  DenialHold denial_hold_;
  DnsStats stats_;
  bool stopping_ = false;
};

}  // namespace picortex
