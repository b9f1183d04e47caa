#include "base/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file_descriptor.h"
#include "base/terminal.h"

namespace picortex {

Result<std::string> read_small_file(const std::string& path, std::size_t size_max) {
  const auto reject = [&path](const std::string& why, int code) {
    return failure("cannot read " + display(path) + ": " + why, code);
  };
  // Without O_NONBLOCK, opening a named pipe would block.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return reject(std::strerror(errno), errno);
  struct stat status;
  if (fstat(file.number(), &status) != 0) return reject(std::strerror(errno), errno);
  if (!S_ISREG(status.st_mode)) return reject("not a regular file", 0);
  std::string text(size_max + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = read(file.number(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return reject(std::strerror(errno), errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > size_max) return reject("more than " + std::to_string(size_max) + " bytes", 0);
  text.resize(filled);
  return text;
}

}  // namespace picortex
