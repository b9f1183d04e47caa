#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/callback.h"
#include "netfilter/dns/dns_cache.h"
#include "netfilter/dns/dns_proxy.h"
#include "netfilter/dns/local_names.h"
#include "netfilter/dns/name_rates.h"
#include "netfilter/kernel/fenced_user.h"
#include "netfilter/kernel/sock_diag_query.h"
#include "netfilter/policy/allowlist.h"
#include "netfilter/policy/verdict.h"
#include "netfilter/report/egress_observer.h"
#include "reactor/reactor.h"

namespace picortex {

// The fence's rules for the DNS proxy: whose questions are answered, which names are resolved, and
// which addresses they may have. Reports what it denies (and, in learn mode, what it would have
// denied) to the observer.
//
// Not reported, since no host is attempted and nothing leaves: look-ups of a service of an allowed
// host (_http._tcp.HOST, as apt makes them), of an allowed name followed by a search domain, of the
// machine's own name, and of the name for an address that was answered.
class DnsPolicy final : public NameJudge {
 public:
  // References passed in must outlive this object; the allowlist may be replaced by another.
  DnsPolicy(Reactor& reactor, EgressObserver& observer, EgressMode mode, const FencedUser& user,
            const std::unique_ptr<Allowlist>& allowlist, DnsCache& addresses);

  bool serves(const DnsAsker& asker) noexcept override;
  NameRuling rule_on(const DnsAsker& asker, const HostName& name,
                     std::uint16_t type) noexcept override;
  bool allow_answer(const DnsAsker& asker, const HostName& name, const IpAddress& address,
                    std::uint32_t ttl_s) noexcept override;
  bool is_searching() const noexcept override { return observer_.is_searching(); }

  // Called after an address has been learned for a name, and before the answer is sent.
  using AnswerCallback = Callback<const HostName&, const IpAddress&>;
  void set_answer_callback(AnswerCallback on_answer) { on_answer_ = on_answer; }

  // For tests: replaces this host's local names.
  void set_local_names(LocalNames names) { local_names_ = std::move(names); }

 private:
  NameRuling decide(const DnsAsker& asker, const HostName& name, std::uint16_t type);
  NameRuling rule_on_allowed(const DnsAsker& asker, const HostName& name, RuleIndex rule);
  // Returns the ruling on a name that is never reported; nothing if it must be reported.
  std::optional<NameRuling> rule_on_unremarkable(std::string_view name, std::uint16_t type);
  bool is_allowed(std::string_view name) const;
  void report(const DnsAsker& asker, Action action, Reason reason, const HostName& host,
              const IpAddress& address = {});

  Reactor& reactor_;
  EgressObserver& observer_;
  EgressMode mode_;
  const FencedUser& user_;
  const std::unique_ptr<Allowlist>& allowlist_;
  DnsCache& addresses_;
  LocalNames local_names_;
  NameRates rates_;
  AnswerCallback on_answer_;
  std::optional<SockDiagQuery> sockets_;  // none: questions over TCP are not answered
};

// "34.216.184.93.in-addr.arpa" or its IPv6 equivalent → the address (RFC 1035, 3.5; RFC 3596, 2.5).
std::optional<IpAddress> address_of_reverse_name(std::string_view name) noexcept;

}  // namespace picortex
