#include "daemon/systemd/service_environment.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/parse.h"

namespace picortex {
namespace {

constexpr int kFirstSocket = 3;  // SD_LISTEN_FDS_START
constexpr std::uint64_t kSocketsMax = 64;
constexpr std::uint64_t kWatchdogMinUs = 1'000;
constexpr std::uint64_t kWatchdogMaxUs = 86'400'000'000;

// Returns the variable's value and unsets the variable.
std::optional<std::string> take_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken(value);
  unsetenv(name);
  return taken;
}

std::unexpected<Error> reject(const char* name, const std::string& value, const char* allowed) {
  return failure(std::string(name) + "=" + value + " is not allowed: systemd gives " + allowed);
}

// Variables meant for another process, such as a parent, are ignored.
bool is_for_us(const std::optional<std::string>& pid) {
  return !pid || parse_whole<std::uint64_t>(*pid) == static_cast<std::uint64_t>(getpid());
}

Result<std::vector<FileDescriptor>> take_sockets() {
  std::vector<FileDescriptor> sockets;
  const auto pid = take_variable("LISTEN_PID");
  const auto count_text = take_variable("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
  if (!pid || !count_text || !is_for_us(pid)) return sockets;
  const auto count = parse_whole<int>(*count_text, 0, kSocketsMax);
  if (!count) {
    return reject("LISTEN_FDS", *count_text, "the number of sockets, at most 64");
  }
  for (int number = kFirstSocket; number < kFirstSocket + *count; ++number) {
    if (fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
      return failure(
          "LISTEN_FDS promises descriptor " + std::to_string(number) + ": " + std::strerror(errno),
          errno);
    }
    sockets.emplace_back(number);
  }
  return sockets;
}

Result<FileDescriptor> connect_to_manager(const std::string& address) {
  if (address.front() != '/' && address.front() != '@') {
    return reject("NOTIFY_SOCKET", address, "an absolute path or @NAME");
  }
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (address.size() >= sizeof name.sun_path) {
    return failure("NOTIFY_SOCKET=" + address + " is too long", ENAMETOOLONG);
  }
  std::ranges::copy(address, name.sun_path);
  if (address.front() == '@') name.sun_path[0] = '\0';
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  if (!socket.is_open() ||
      connect(socket.number(), reinterpret_cast<const sockaddr*>(&name), size) != 0) {
    return errno_failure("cannot reach systemd at NOTIFY_SOCKET=" + address);
  }
  return socket;
}

}  // namespace

Result<ServiceEnvironment> take_service_environment() {
  ServiceEnvironment environment;
  environment.sockets = TRY(take_sockets());

  if (auto address = take_variable("NOTIFY_SOCKET"); address && !address->empty()) {
    environment.notify_socket = TRY(connect_to_manager(*address));
  }

  const auto pid = take_variable("WATCHDOG_PID");
  const auto interval_text = take_variable("WATCHDOG_USEC");
  if (!interval_text || !is_for_us(pid)) return environment;
  const auto interval_us =
      parse_whole<std::uint64_t>(*interval_text, kWatchdogMinUs, kWatchdogMaxUs);
  if (!interval_us) {
    return reject("WATCHDOG_USEC", *interval_text, "microseconds, from 1 ms to a day");
  }
  environment.watchdog = std::chrono::microseconds(*interval_us);
  return environment;
}

}  // namespace picortex
