#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/keyed_hash.h"
#include "base/result.h"

namespace simdjson::dom {
class element;
class object;
}  // namespace simdjson::dom

namespace picortex {

// Writes elements of a JsonDocument again, on one line and escaped by base/json/json_text.h, so
// that client input can be part of a log line. Of members with the same name the last one counts,
// as in JSON.parse; the cost is linear in the object's size. Keep it: it allocates nothing once it
// has written objects of the size.
//
// Rejects, like Fastify's secure-json-parse, a member `__proto__`, and a member `constructor` that
// is an object with a member `prototype`. After an error `out` ends with an incomplete text.
class JsonWriter {
 public:
  Result<void> append(std::string& out, const simdjson::dom::element& value);

  // Appends the object without the members named; appends nothing if no other is left.
  Result<void> append_without(std::string& out, const simdjson::dom::object& object,
                              std::span<const std::string_view> names);

 private:
  // These return false once forbidden_ is set.
  bool write(std::string& out, const simdjson::dom::element& value);
  bool write_object(std::string& out, const simdjson::dom::object& object,
                    std::span<const std::string_view> without);
  bool is_allowed(std::string_view key, const simdjson::dom::element& value);
  // Pushes the positions of members that a later one with the same name replaces, in order.
  void push_replaced(const simdjson::dom::object& object);
  void push_replaced_by_hash();
  Result<void> outcome(bool good) const;

  std::string_view forbidden_;
  KeyedHash hash_;
  // Filled and consumed by push_replaced: keys in order; positions + 1 by hash, 0 where free.
  std::vector<std::string_view> keys_;
  std::vector<std::uint32_t> slots_;
  // A stack: each object that is being written has its own part of it.
  std::vector<std::uint32_t> replaced_;
};

}  // namespace picortex
