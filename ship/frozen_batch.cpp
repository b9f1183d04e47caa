#include "ship/frozen_batch.h"

#include <simdjson.h>

#include <cerrno>
#include <utility>

#include "base/json/document.h"
#include "base/json/json_object.h"
#include "base/read_file.h"
#include "ship/durable_file.h"

namespace picortex {
namespace {

using simdjson::dom::array;
using simdjson::dom::object;

constexpr std::size_t kHeaderSizeMax = std::size_t{4} << 20;

std::unexpected<Error> damaged(const std::string& path) {
  return failure(path + " is damaged; to freeze its events again, delete it");
}

bool read_sizes(const object& header, std::size_t total, std::vector<std::size_t>& ends) {
  array sizes;
  if (header["sizes"].get(sizes)) return false;
  std::size_t end = 0;
  for (const auto each : sizes) {
    std::uint64_t size = 0;
    if (each.get(size) || size > total - end) return false;
    end += size;
    ends.push_back(end);
  }
  return end == total;
}

bool read_groups(const object& header, std::size_t records, std::vector<std::size_t>& groups) {
  array list;
  if (header["groups"].get(list)) return false;
  for (const auto each : list) {
    std::uint64_t first = 0;
    if (each.get(first) || first >= records) return false;
    if (groups.empty() ? first != 0 : first <= groups.back()) return false;
    groups.push_back(first);
  }
  return groups.empty() == (records == 0);
}

}  // namespace

Result<void> save_batch(const std::string& path, const FrozenBatch& batch) {
  std::string out;
  out.reserve(batch.size() * 6 + 256);
  {
    JsonObject header(out);
    header.number("epoch", batch.epoch)
        .number("to", batch.to)
        .number("complete_ms", batch.complete_ms)
        .number("gone", batch.gone);
    {
      JsonArray sizes = header.array("sizes");
      std::size_t begin = 0;
      for (const std::size_t end : batch.ends) sizes.number(end - std::exchange(begin, end));
    }
    JsonArray groups = header.array("groups");
    for (const std::size_t first : batch.groups) groups.number(first);
  }
  out += '\n';
  return replace_file(path, {out, batch.records}, Synced::yes);
}

Result<std::optional<FrozenBatch>> load_batch(const std::string& path) {
  auto content = read_small_file(path, FrozenBatch::kFileSizeMax);
  if (!content) {
    if (content.error().code == ENOENT) return std::nullopt;
    return std::unexpected(std::move(content.error()));
  }
  const std::size_t newline = content->find('\n');
  if (newline == std::string::npos || newline > kHeaderSizeMax) return damaged(path);
  FrozenBatch batch;
  batch.records = content->substr(newline + 1);
  content->resize(newline);
  content->resize(newline + kJsonPadding);
  JsonDocument document(kHeaderSizeMax);
  object header;
  if (!document.parse({content->data(), newline}) || document.root().get(header)) {
    return damaged(path);
  }
  const bool is_whole = !header["epoch"].get(batch.epoch) && !header["to"].get(batch.to) &&
                        !header["complete_ms"].get(batch.complete_ms) &&
                        !header["gone"].get(batch.gone) &&
                        read_sizes(header, batch.records.size(), batch.ends) &&
                        read_groups(header, batch.size(), batch.groups);
  if (!is_whole) return damaged(path);
  return batch;
}

}  // namespace picortex
