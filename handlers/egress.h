#pragma once

#include <string>
#include <type_traits>

#include "handlers/http/exchange.h"

namespace picortex {

// A member function of its owner that appends a JSON object to a string.
class JsonSource {
 public:
  template <auto Method, class Owner>
  static JsonSource to(Owner& owner) noexcept {
    static_assert(std::is_nothrow_invocable_v<decltype(Method), Owner&, std::string&>);
    return JsonSource(&owner, [](void* bound, std::string& out) noexcept {
      (static_cast<Owner*>(bound)->*Method)(out);
    });
  }

  void append_to(std::string& out) const noexcept { handler_(owner_, out); }

 private:
  using Handler = void (*)(void*, std::string&) noexcept;
  JsonSource(void* owner, Handler handler) noexcept : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
};

// GET /api/egress: what the fence says of its rules and decisions. The fence itself is beside this
// layer; its words come through `source`.
class EgressEndpoint {
 public:
  explicit EgressEndpoint(JsonSource source) : source_(source) {}

  void get(http::Exchange& exchange) noexcept {
    body_.clear();
    source_.append_to(body_);
    exchange.respond({.body = body_});
  }

 private:
  JsonSource source_;
  std::string body_;
};

}  // namespace picortex
