#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simdjson::dom {
class element;
}  // namespace simdjson::dom

// Reads the members of a Sentry event as leniently as Sentry's own server (Relay) does, since SDKs
// of other languages send whatever their languages make of a value.
namespace picortex {

using SentryValue = simdjson::dom::element;
using SentryPair = std::pair<std::string, SentryValue>;

// Returns the value if it is a string, else an empty text.
std::string_view text_of(const std::optional<SentryValue>& value);

// Does the same for a value deep inside objects, by the names on the path to it.
std::string_view text_in(const std::optional<SentryValue>& value,
                         std::initializer_list<std::string_view> path);

// Returns the member of an object; nothing if it is absent or null.
std::optional<SentryValue> member_of(const std::optional<SentryValue>& value,
                                     std::string_view name);

// Appends a scalar as text: a string unchanged, a number in digits, true or false. Returns false,
// and appends nothing, for null, arrays and objects.
bool append_scalar(std::string& out, const SentryValue& value);

// Appends any value as text: a scalar as above, an array or object as JSON, nothing for null.
void append_lenient(std::string& out, const SentryValue& value);

// Returns the first `count_max` pairs with non-null values of an object, or of an array of [name,
// value] pairs; reads at most 1,000 pairs. A name that occurs twice has its last value.
std::vector<SentryPair> pairs_of(const std::optional<SentryValue>& value, std::size_t count_max);

// Returns the elements of what Relay calls `Values`: {values: […]}, the array alone, or one object
// alone. The last `count_max` of them, last one first.
std::vector<SentryValue> last_values(const SentryValue& value, std::size_t count_max);

}  // namespace picortex
