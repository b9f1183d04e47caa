#include "ship/ship_state.h"

#include <dirent.h>
#include <simdjson.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/json/document.h"
#include "base/json/json_object.h"
#include "base/read_file.h"
#include "ship/durable_file.h"

namespace picortex {
namespace {

constexpr std::size_t kFileSizeMax = 64 * 1024;
constexpr std::size_t kTargetsMax = 64;

// One of the small files, parsed.
class StateFile {
 public:
  Result<void> load(const std::string& path) {
    text_ = TRY(read_small_file(path, kFileSizeMax));
    const std::size_t size = text_.size();
    text_.resize(size + kJsonPadding);
    if (auto parsed = document_.parse({text_.data(), size}); !parsed) {
      return failure(path + ' ' + parsed.error().what);
    }
    if (document_.root().get(object_)) return failure(path + " is not a JSON object");
    return {};
  }

  std::int64_t number(std::string_view name) const {
    std::int64_t value = 0;
    return object_[name].get(value) ? 0 : value;
  }
  bool has_number(std::string_view name) const {
    std::int64_t value = 0;
    return !object_[name].get(value);
  }
  double real(std::string_view name) const {
    double value = 0;
    return object_[name].get(value) ? 0 : value;
  }
  std::string text(std::string_view name) const {
    std::string_view value;
    return object_[name].get(value) ? std::string() : std::string(value);
  }

 private:
  JsonDocument document_{kFileSizeMax};
  std::string text_;
  simdjson::dom::object object_;
};

}  // namespace

Result<void> ShipFiles::make_directory() const {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) return failure("cannot create " + directory_ + ": " + error.message(), error.value());
  return {};
}

Result<ShipPosition> ShipFiles::load_position() const {
  const std::string path = directory_ + "/position";
  StateFile file;
  if (auto loaded = file.load(path); !loaded) {
    if (loaded.error().code == ENOENT) return ShipPosition();
    return failure(loaded.error().what + "; to ship everything again, delete it");
  }
  if (!file.has_number("epoch") || !file.has_number("place")) {
    return failure(path + " has no place; to ship everything again, delete it");
  }
  return ShipPosition{.epoch = file.number("epoch"),
                      .place = file.number("place"),
                      .batch_accepted = file.number("batch_accepted"),
                      .shipped = file.number("shipped"),
                      .rejected = file.number("rejected"),
                      .lapsed = file.number("lapsed"),
                      .complete_ms = file.number("complete_ms")};
}

Result<void> ShipFiles::save_position(const ShipPosition& position) const {
  std::string out;
  JsonObject(out)
      .number("epoch", position.epoch)
      .number("place", position.place)
      .number("batch_accepted", position.batch_accepted)
      .number("shipped", position.shipped)
      .number("rejected", position.rejected)
      .number("lapsed", position.lapsed)
      .number("complete_ms", position.complete_ms);
  return replace_file(directory_ + "/position", {out, "\n"}, Synced::yes);
}

ShipStatus ShipFiles::load_status() const {
  StateFile file;
  if (!file.load(directory_ + "/status")) return {};
  return {.target = file.text("target"),
          .state = file.text("state"),
          .error = file.text("error"),
          .error_ms = file.number("error_ms"),
          .updated_ms = file.number("updated_ms"),
          .retries = file.number("retries"),
          .rate = file.real("rate"),
          .pid = file.number("pid")};
}

void ShipFiles::save_status(const ShipStatus& status) const {
  std::string out;
  JsonObject(out)
      .text("target", status.target)
      .text("state", status.state)
      .text("error", status.error)
      .number("error_ms", status.error_ms)
      .number("updated_ms", status.updated_ms)
      .number("retries", status.retries)
      .number("rate", status.rate)
      .number("pid", status.pid);
  // It is for people only: what fails here fails for the position too, which is reported.
  (void)replace_file(directory_ + "/status", {out, "\n"}, Synced::no);
}

Result<void> ShipFiles::keep_rejected(std::string_view line) const {
  return append_line(directory_ + "/rejected.ndjson", line, kRejectedSizeMax);
}

std::vector<std::string> shipped_targets(const std::string& data_dir) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir((data_dir + "/ship").c_str()),
                                                      closedir);
  if (!directory) return names;
  while (const dirent* const entry = readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with('.') && names.size() < kTargetsMax) names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

ShipLag lag_of(const ShipPosition& position, std::int64_t epoch, std::int64_t last_arrival,
               std::int64_t now_ms) noexcept {
  const bool is_same = position.epoch == epoch;
  ShipLag lag;
  lag.events = last_arrival - (is_same ? std::max<std::int64_t>(position.place, 0) : 0);
  lag.events = std::max<std::int64_t>(lag.events, 0);
  if (lag.events > 0 && position.complete_ms > 0) {
    lag.ms = std::max<std::int64_t>(now_ms - position.complete_ms, 0);
  }
  return lag;
}

}  // namespace picortex
