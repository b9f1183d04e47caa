#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "handlers/http/request.h"

namespace picortex::http {

class Exchange;

// The access that a route requires.
enum class Access : std::uint8_t {
  anyone,     // from anywhere, under any name
  own_host,   // under an allowed host, and from pages of any Origin
  own_names,  // under an allowed host: no foreign Host, no foreign Origin
  // The same; who asks decides what is answered. The endpoint looks at the scopes, if the request
  // came with any, and at the sender.
  any_scope,
  // The same as own_names, and with the scope of this name (middleware/scope.h), by a token or as the peer of a
  // Unix socket.
  read,
  write,
  telemetry,
  admin,
};

// Returns the enumerator's name, such as "own_host".
std::string_view access_name(Access access) noexcept;

// The member function of an endpoint that answers requests.
using Endpoint = Callback<Exchange&>;

struct Route {
  Method method;
  std::string_view path;  // one segment may be "*", which matches any decimal digits
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

  // All routes, in the order in which they are tried.
  std::vector<Route> routes() const;

 private:
  std::vector<Route> routes_;
  std::vector<Route> patterns_;  // those with a "*", checked after all others
};

}  // namespace picortex::http
