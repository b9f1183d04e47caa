#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/query/query.h"

namespace picortex {

// A literal of ClickHouse's SQL. Whatever the text holds, the literal ends at its own end: all but
// letters, digits and a few marks are escapes of bytes. (18.16 has no parameters for queries, and a
// user who may only read may not set any later.)
std::string sql_text(std::string_view text);
std::string sql_uuid(const Uuid& uuid);

// A condition on the rows of a fleet's table (ship/clickhouse_schema.h) that is true for every event
// that the filter fits, of that host, or of any if it is empty. `after`: only those after the key,
// in the filter's order.
std::string sql_condition(const EventFilter& filter, std::string_view host,
                          std::optional<std::int64_t> after = {});

// True if sql_condition() says all of the filter; else EventMatcher must look at the rows.
bool is_sql_exact(const EventFilter& filter);

// " ORDER BY …" for rows of several hosts, in which the same row comes next to itself.
std::string sql_order(EventOrder order);

}  // namespace picortex
