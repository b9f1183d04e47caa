#include "daemon/config/data_dir.h"

#include <filesystem>
#include <system_error>

namespace picortex {
namespace {

Result<void> make_data_dir(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path, error)) return {};
  return failure("cannot create the data directory " + path + ": " +
                     (error ? error.message() : "something else has that name") +
                     "; choose another with --data-dir",
                 error.value());
}

}  // namespace

Result<DirectoryLock> claim_data_dir(const std::string& path) {
  if (auto made = make_data_dir(path); !made) return std::unexpected(made.error());
  auto lock = DirectoryLock::take(path);
  if (!lock) return failure(lock.error().what);
  return std::move(*lock);
}

}  // namespace picortex
