#include "handlers/http/middleware/scope.h"

namespace picortex::http {
namespace {

constexpr Scope kAll[] = {Scope::read, Scope::write, Scope::telemetry, Scope::admin};

std::optional<Scope> scope_of(std::string_view name) noexcept {
  for (const Scope scope : kAll) {
    if (scope_name(scope) == name) return scope;
  }
  return std::nullopt;
}

}  // namespace

std::string_view scope_name(Scope scope) noexcept {
  switch (scope) {
    case Scope::read:
      return "read";
    case Scope::write:
      return "write";
    case Scope::telemetry:
      return "telemetry";
    case Scope::admin:
      break;
  }
  return "admin";
}

std::optional<Scopes> Scopes::parse(std::string_view names) noexcept {
  Scopes scopes;
  while (true) {
    const std::size_t comma = names.find(',');
    const auto scope = scope_of(names.substr(0, comma));
    if (!scope) return std::nullopt;
    scopes.add(*scope);
    if (comma == names.npos) return scopes;
    names.remove_prefix(comma + 1);
  }
}

std::string Scopes::text() const {
  std::string text;
  for (const Scope scope : kAll) {
    if (has(scope)) text.append(text.empty() ? "" : ",").append(scope_name(scope));
  }
  return text;
}

}  // namespace picortex::http
