#include "cli/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/descriptor.h"
#include "cli/display.h"

namespace picortex {

Result<std::string> read_small_file(const std::string& path, std::size_t size_max) {
  const auto refuse = [&path](const std::string& why, int code) {
    return failure("cannot read " + display(path) + ": " + why, code);
  };
  // Without O_NONBLOCK a named pipe would hold the program up.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return refuse(std::strerror(errno), errno);
  struct stat status;
  if (fstat(file.number(), &status) != 0) return refuse(std::strerror(errno), errno);
  if (!S_ISREG(status.st_mode)) return refuse("not a regular file", 0);
  std::string text(size_max + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = read(file.number(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse(std::strerror(errno), errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  if (filled > size_max) return refuse("more than " + std::to_string(size_max) + " bytes", 0);
  text.resize(filled);
  return text;
}

}  // namespace picortex
