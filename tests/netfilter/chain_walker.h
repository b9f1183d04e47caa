#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "netfilter/kernel/firewall_rules.h"
#include "tests/netfilter/classic_bpf.h"

// Walks the chains of the fence as the kernel does, for one packet.
namespace picortex::test {

enum class Owner : std::uint8_t { user, sub_uid, other, none };

struct WalkedPacket {
  std::string protocol = "tcp";
  Owner owner = Owner::user;
  std::uint32_t mark = 0;
  std::uint32_t connmark = 0;
  std::string state = "ESTABLISHED";  // of the connection, for this packet
  bool is_reply = false;
  std::string device = "eth0";
  std::string destination = "203.0.113.9/32";
  int port = 443;
  unsigned flags = 0x10;
  bool has_multipath = false;
  bool limit_is_reached = false;
  bool was_copied = false;  // to the daemon
  bool has_local_source = true;
  std::vector<std::uint8_t> bytes;  // from the IP header on
};

enum class Walk : std::uint8_t { on, queued, rejected, dropped };

class ChainWalker {
 public:
  explicit ChainWalker(std::vector<FirewallChain> chains) : chains_(std::move(chains)) {
    for (const FirewallChain& chain : chains_) {
      auto& rules = rules_.emplace_back();
      for (const std::string& rule : chain.rules) rules.push_back(split(rule));
    }
  }

  // From the hook's first chain of the table.
  Walk walk(std::string_view table, std::string_view hook, WalkedPacket& packet) {
    for (const FirewallChain& chain : chains_) {
      if (chain.table != table || chain.hook != hook) continue;
      const auto result = run(table, chain.name, packet, 0);
      return result.value_or(Walk::on);
    }
    return Walk::on;
  }

  std::size_t steps() const { return steps_; }

 private:
  using Words = std::vector<std::string>;

  static Words split(const std::string& rule) {
    Words words;
    std::string word;
    bool quoted = false;
    for (const char c : rule) {
      if (c == '"') {
        quoted = !quoted;
      } else if (c == ' ' && !quoted) {
        if (!word.empty()) words.push_back(std::exchange(word, {}));
      } else {
        word += c;
      }
    }
    words.push_back(word);
    return words;
  }

  static unsigned flags_of(const std::string& names) {
    unsigned flags = 0;
    for (const auto& [name, bit] : {std::pair{"FIN", 1u}, {"SYN", 2u}, {"RST", 4u}, {"ACK", 16u}}) {
      if (names.find(name) != names.npos) flags |= bit;
    }
    return flags;
  }

  static bool has_value(std::uint32_t mark, const std::string& text) {
    const std::size_t slash = text.find('/');
    const auto value = static_cast<std::uint32_t>(std::stoul(text, nullptr, 16));
    const auto mask = static_cast<std::uint32_t>(std::stoul(text.substr(slash + 1), nullptr, 16));
    return (mark & mask) == value;
  }

  static void set_value(std::uint32_t& mark, const std::string& text) {
    const std::size_t slash = text.find('/');
    const auto value = static_cast<std::uint32_t>(std::stoul(text, nullptr, 16));
    const auto mask = static_cast<std::uint32_t>(std::stoul(text.substr(slash + 1), nullptr, 16));
    mark = (mark & ~mask) ^ value;
  }

  static bool owns(Owner owner, const std::string& uids) {
    return (owner == Owner::user && uids == "1001") ||
           (owner == Owner::sub_uid && uids == "100000-165535");
  }

  // Whether the match at words[i] holds; moves i to its last word.
  static bool matches(const Words& words, std::size_t& i, const WalkedPacket& p) {
    const std::string& word = words[i];
    const auto next = [&]() -> const std::string& { return words[++i]; };
    if (word == "-p") return next() == p.protocol;
    if (word == "-m") return next(), true;
    if (word == "-o") return next() == p.device;
    if (word == "-s") return next(), p.device == "lo";  // a source on loopback
    if (word == "-d") {
      const std::string& to = next();
      return to == p.destination || (to == "127.0.0.0/8" && p.destination == "127.0.0.1/32");
    }
    if (word == "--dport") return std::stoi(next()) == p.port;
    if (word == "--tcp-option") return next() == "30" && p.has_multipath;
    if (word == "--tcp-flags") {
      const unsigned mask = flags_of(next());
      return (p.flags & mask) == flags_of(next());
    }
    if (word == "--mark") {
      const bool of_connection = words[i - 1] == "connmark" || words[i - 2] == "connmark";
      return has_value(of_connection ? p.connmark : p.mark, next());
    }
    if (word == "--ctstate") return next().find(p.state) != std::string::npos;
    if (word == "--ctdir") return p.state != "INVALID" && (next() == "REPLY") == p.is_reply;
    if (word == "--uid-owner") return owns(p.owner, next());
    if (word == "--socket-exists") return p.owner != Owner::none;
    if (word == "--icmpv6-type") return next() == "128";
    if (word == "--src-type") return next() == "LOCAL" && p.has_local_source;
    if (word == "--limit" || word == "--limit-burst") return next(), !p.limit_is_reached;
    // Below any bound but the first byte's: no rule ends a connection by these alone.
    if (word == "--connbytes") return next() == "0";
    if (word == "--connbytes-mode" || word == "--connbytes-dir") return next(), true;
    if (word == "--bytecode") return run_bpf(next(), p.bytes);
    BOOST_FAIL("unknown match " << word);
    return false;
  }

  std::optional<Walk> run(std::string_view table, std::string_view name, WalkedPacket& packet,
                          int depth) {
    if (depth == 8) BOOST_FAIL("chains call each other without end");
    const auto found = std::ranges::find_if(chains_, [&](const FirewallChain& chain) {
      return chain.table == table && chain.name == name;
    });
    if (found == chains_.end()) BOOST_FAIL("no such chain: " << name);
    for (const Words& words : rules_[static_cast<std::size_t>(found - chains_.begin())]) {
      ++steps_;
      std::size_t i = 2;
      bool applies = true;
      for (; applies && i < words.size() && words[i] != "-j" && words[i] != "-g"; ++i) {
        const bool inverted = words[i] == "!";
        if (inverted) ++i;
        applies = matches(words, i, packet) != inverted;
      }
      if (!applies || i == words.size()) continue;  // without a target it only counts
      const std::string& target = words[i + 1];
      if (target == "RETURN") return std::nullopt;
      if (target == "MARK") {
        set_value(packet.mark, words[i + 3]);
      } else if (target == "CONNMARK") {
        set_value(packet.connmark, words[i + 3]);
      } else if (target == "TCPOPTSTRIP") {
        packet.has_multipath = false;
      } else if (target == "NFLOG") {
        packet.was_copied = true;
      } else if (target == "NFQUEUE") {
        return Walk::queued;
      } else if (target == "REJECT") {
        return Walk::rejected;
      } else if (target == "DROP") {
        return Walk::dropped;
      } else if (words[i] == "-g") {
        return run(table, target, packet, depth + 1);
      } else if (const auto result = run(table, target, packet, depth + 1)) {
        return result;
      }
    }
    return std::nullopt;
  }

  std::vector<FirewallChain> chains_;
  std::vector<std::vector<Words>> rules_;  // of each chain, taken apart once
  std::size_t steps_ = 0;
};

}  // namespace picortex::test
