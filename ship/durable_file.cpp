#include "ship/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/file_descriptor.h"

namespace picortex {
namespace {

std::unexpected<Error> cannot(const std::string& what, const std::string& path, int code) {
  return failure("cannot " + what + ' ' + path + ": " + std::strerror(code), code);
}

Result<void> write_whole(const FileDescriptor& file, std::string_view content,
                         const std::string& path) {
  while (!content.empty()) {
    const ssize_t written = write(file.number(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return cannot("write", path, written < 0 ? errno : ENOSPC);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_directory_of(const std::string& path) {
  const std::string directory = path.substr(0, path.find_last_of('/'));
  const FileDescriptor opened(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || fsync(opened.number()) != 0) return cannot("sync", directory, errno);
  return {};
}

}  // namespace

Result<void> replace_file(const std::string& path, std::initializer_list<std::string_view> pieces,
                          Synced synced) {
  const std::string part = path + ".new";
  {
    const FileDescriptor file(
        open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return cannot("write", part, errno);
    for (const std::string_view piece : pieces) TRY(write_whole(file, piece, part));
    if (synced == Synced::yes && fdatasync(file.number()) != 0) return cannot("sync", part, errno);
  }
  if (std::rename(part.c_str(), path.c_str()) != 0) return cannot("replace", path, errno);
  return synced == Synced::yes ? sync_directory_of(path) : Result<void>();
}

Result<void> remove_file(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return cannot("delete", path, errno);
}

Result<void> append_line(const std::string& path, std::string_view line, std::size_t size_max) {
  const FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return cannot("write", path, errno);
  struct stat status {};
  if (fstat(file.number(), &status) != 0) return cannot("read", path, errno);
  if (static_cast<std::size_t>(status.st_size) + line.size() >= size_max) {
    return failure(path + " is full");
  }
  return write_whole(file, std::string(line) + '\n', path);
}

}  // namespace picortex
