#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "handlers/http/request.h"

namespace picortex::http {

class Exchange;

// Who may call a route.
enum class Access : std::uint8_t {
  anyone,     // from anywhere, under any name
  own_host,   // under the daemon's own names, and from pages of any Origin
  own_names,  // under the daemon's own names only: no foreign Host, no foreign Origin
  token,      // that, and with the token or as a trusted peer of a Unix socket
};

// A member function of an endpoint that answers requests.
class Endpoint {
 public:
  template <auto Method, class Owner>
  static Endpoint to(Owner& owner) noexcept {
    static_assert(std::is_nothrow_invocable_v<decltype(Method), Owner&, Exchange&>);
    return Endpoint(&owner, [](void* bound, Exchange& exchange) noexcept {
      (static_cast<Owner*>(bound)->*Method)(exchange);
    });
  }

  void answer(Exchange& exchange) const noexcept { handler_(owner_, exchange); }

 private:
  using Handler = void (*)(void*, Exchange&) noexcept;
  Endpoint(void* owner, Handler handler) noexcept : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
};

struct Route {
  Method method;
  std::string_view path;  // one segment may be "*", which stands for any decimal digits
  Access access;
  std::size_t body_size_max;
  bool is_health_poll;  // logged at debug only
  Endpoint endpoint;
};

// Finds the route of a request. A GET route answers HEAD too (RFC 9110, section 9.3.2).
class Router {
 public:
  void add(const Route& route);

  struct Match {
    const Route* route = nullptr;  // null: none
    std::string allow;             // the path exists with these methods only: "Allow: …\r\n"
  };
  Match find(Method method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
  std::vector<Route> patterns_;  // those with a "*", looked at behind all others
};

}  // namespace picortex::http
