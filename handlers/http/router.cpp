#include "handlers/http/router.h"

namespace picortex::http {
namespace {

void append_method(std::string& allow, Method method) {
  allow += allow.empty() ? "Allow: " : ", ";
  allow += method_name(method);
  if (method == Method::get) allow += ", HEAD";
}

}  // namespace

Router::Match Router::find(Method method, std::string_view path) const {
  Match match;
  const Method looked_up = method == Method::head ? Method::get : method;
  for (const Route& route : routes_) {
    if (route.path != path) continue;
    if (route.method == looked_up) return {&route, {}};
    append_method(match.allow, route.method);
  }
  if (!match.allow.empty()) match.allow += "\r\n";
  return match;
}

}  // namespace picortex::http
