#include "handlers/http/router.h"

#include <algorithm>

namespace picortex::http {
namespace {

void append_method(std::string& allow, Method method) {
  allow += allow.empty() ? "Allow: " : ", ";
  allow += method_name(method);
  if (method == Method::get) allow += ", HEAD";
}

bool fits(std::string_view path, std::string_view pattern) noexcept {
  const std::size_t star = pattern.find('*');
  const std::string_view before = pattern.substr(0, star);
  const std::string_view after = pattern.substr(star + 1);
  if (path.size() < pattern.size() || !path.starts_with(before) || !path.ends_with(after)) {
    return false;
  }
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  return std::ranges::all_of(path, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string_view access_name(Access access) noexcept {
  switch (access) {
    case Access::anyone:
      return "anyone";
    case Access::own_host:
      return "own_host";
    case Access::own_names:
      return "own_names";
    case Access::any_scope:
      return "any_scope";
    case Access::read:
      return "read";
    case Access::write:
      return "write";
    case Access::telemetry:
      return "telemetry";
    case Access::admin:
      return "admin";
  }
  return {};
}

void Router::add(const Route& route) {
  const bool is_pattern = route.path.find('*') != std::string_view::npos;
  (is_pattern ? patterns_ : routes_).push_back(route);
}

Router::Match Router::find(Method method, std::string_view path) const {
  Match match;
  const Method looked_up = method == Method::head ? Method::get : method;
  for (const Route& route : routes_) {
    if (route.path != path) continue;
    if (route.method == looked_up) return {&route, {}};
    append_method(match.allow, route.method);
  }
  for (const Route& route : patterns_) {
    if (!fits(path, route.path)) continue;
    if (route.method == looked_up) return {&route, {}};
    append_method(match.allow, route.method);
  }
  if (!match.allow.empty()) match.allow += "\r\n";
  return match;
}

std::vector<Route> Router::routes() const {
  std::vector<Route> all = routes_;
  all.insert(all.end(), patterns_.begin(), patterns_.end());
  return all;
}

}  // namespace picortex::http
