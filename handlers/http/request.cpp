#include "handlers/http/request.h"

#include <strings.h>

#include <functional>

namespace picortex::http {
namespace {

// A view of a literal, such as the path "/" of a target without one, stays unchanged.
void move_view(std::string_view& view, std::string_view from, const char* to) noexcept {
  const std::less<const char*> before;
  if (before(view.data(), from.data()) || before(from.data() + from.size(), view.data())) return;
  view = {to + (view.data() - from.data()), view.size()};
}

}  // namespace

std::string_view method_name(Method method) noexcept {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::delete_:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::patch:
      return "PATCH";
    case Method::trace:
      return "TRACE";
  }
  return "";
}

bool Field::is_named(std::string_view other) const noexcept {
  return name.size() == other.size() && strncasecmp(name.data(), other.data(), name.size()) == 0;
}

const Field* Request::find(std::string_view name) const noexcept {
  for (const Field& candidate : fields) {
    if (candidate.is_named(name)) return &candidate;
  }
  return nullptr;
}

std::string_view Request::field(std::string_view name) const noexcept {
  const Field* found = find(name);
  return found ? found->value : std::string_view();
}

void Request::clear() noexcept {
  fields.clear();
  target = authority = path = query = host = {};
  method = Method::get;
  minor_version = 1;
  keep_alive = true;
  has_body = expects_continue = false;
  content_length.reset();
}

void Request::move_views(std::string_view from, const char* to) noexcept {
  for (std::string_view* view : {&target, &authority, &path, &query, &host}) {
    move_view(*view, from, to);
  }
  for (Field& moved : fields) {
    move_view(moved.name, from, to);
    move_view(moved.value, from, to);
  }
}

}  // namespace picortex::http
