#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace picortex::http {

// What the sender of a request may do.
enum class Scope : std::uint8_t {
  read = 1,       // events, stream, story, turns, stats, status, egress
  write = 2,      // store events; includes telemetry
  telemetry = 4,  // OTLP and hooks only: what arrives is stored as claimed
  admin = 8,      // everything
};

// "read", "write", "telemetry" or "admin".
std::string_view scope_name(Scope scope) noexcept;

// A set of scopes; empty for a request that needed none.
class Scopes {
 public:
  constexpr Scopes() noexcept = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) noexcept {
    for (const Scope scope : scopes) add(scope);
  }

  // Reads names with commas between, such as "read,write"; none when one of them is unknown or
  // missing.
  static std::optional<Scopes> parse(std::string_view names) noexcept;

  constexpr void add(Scope scope) noexcept { bits_ |= static_cast<std::uint8_t>(scope); }
  constexpr void add(Scopes scopes) noexcept { bits_ |= scopes.bits_; }
  constexpr bool is_empty() const noexcept { return bits_ == 0; }
  // Whether `wanted` is permitted, by itself or by a scope that includes it.
  constexpr bool grant(Scope wanted) const noexcept {
    return has(wanted) || has(Scope::admin) || (wanted == Scope::telemetry && has(Scope::write));
  }
  // True when what the sender says about itself is a claim: it may not store other events.
  constexpr bool are_claims() const noexcept { return !grant(Scope::write); }
  // The names with commas between.
  std::string text() const;

  constexpr bool operator==(const Scopes&) const noexcept = default;

 private:
  constexpr bool has(Scope scope) const noexcept {
    return (bits_ & static_cast<std::uint8_t>(scope)) != 0;
  }

  std::uint8_t bits_ = 0;
};

}  // namespace picortex::http
