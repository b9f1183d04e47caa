#include "daemon/systemd/service_notifier.h"

#include <sys/socket.h>
#include <time.h>

#include <string>
#include <utility>

namespace picortex {
namespace {

// Returns CLOCK_MONOTONIC in microseconds, as RELOADING requires.
std::int64_t monotonic_us() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace

ServiceNotifier::ServiceNotifier(Reactor& reactor, ServiceEnvironment& environment, Alive alive)
    : socket_(std::move(environment.notify_socket)),
      is_watched_(socket_.is_open() && environment.watchdog > Nanoseconds(0)),
      alive_(alive),
      ticks_(reactor, environment.watchdog / 2, Callback<>::to<&ServiceNotifier::on_tick>(*this)) {}

void ServiceNotifier::ready(std::string_view status) {
  notify("READY=1\nSTATUS=" + std::string(status));
  if (!is_watched_) return;
  ticks_.start();
  on_tick();
}

void ServiceNotifier::reloading() noexcept {
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_us()));
}

void ServiceNotifier::stopping(std::string_view status) {
  notify("STOPPING=1\nSTATUS=" + std::string(status));
}

void ServiceNotifier::on_tick() noexcept {
  if (alive_()) notify("WATCHDOG=1");
}

void ServiceNotifier::notify(std::string_view state) noexcept {
  if (socket_.is_open()) send(socket_.number(), state.data(), state.size(), MSG_NOSIGNAL);
}

}  // namespace picortex
