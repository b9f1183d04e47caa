#include "netfilter/kernel/conntrack_settings.h"

#include <fcntl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_descriptor.h"
#include "base/parse.h"
#include "netfilter/wire/packet.h"

namespace picortex {
namespace {

std::string path_of(std::string_view name) {
  return std::string("/proc/sys/net/netfilter/nf_conntrack_").append(name);
}

// Returns 0 if there is no such setting, since the kernel was built without it.
std::uint32_t read_setting(std::string_view name) {
  const FileDescriptor file(open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 16> text;
  const ssize_t size = file.is_open() ? ::read(file.number(), text.data(), text.size()) : 0;
  std::string_view digits(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return take_whole<std::uint32_t>(digits).value_or(0);
}

// A service manager may have made the file read-only: then it stays as it is.
void switch_on(std::string_view name) {
  if (read_setting(name) != 0) return;
  const FileDescriptor file(open(path_of(name).c_str(), O_WRONLY | O_CLOEXEC));
  if (file.is_open()) static_cast<void>(!write(file.number(), "1", 1));
}

}  // namespace

void switch_on_accounting() {
  for (const std::string_view name : {"acct", "timestamp", "events"}) switch_on(name);
}

ConntrackSettings ConntrackSettings::read() {
  ConntrackSettings settings;
  settings.counts_bytes_ = read_setting("acct") != 0;
  settings.reports_ends_ = read_setting("events") != 0;
  static constexpr std::pair<std::size_t, std::string_view> kStates[] = {
      {TCP_CONNTRACK_SYN_SENT, "tcp_timeout_syn_sent"},
      {TCP_CONNTRACK_SYN_RECV, "tcp_timeout_syn_recv"},
      {TCP_CONNTRACK_ESTABLISHED, "tcp_timeout_established"},
      {TCP_CONNTRACK_FIN_WAIT, "tcp_timeout_fin_wait"},
      {TCP_CONNTRACK_CLOSE_WAIT, "tcp_timeout_close_wait"},
      {TCP_CONNTRACK_LAST_ACK, "tcp_timeout_last_ack"},
      {TCP_CONNTRACK_TIME_WAIT, "tcp_timeout_time_wait"},
      {TCP_CONNTRACK_CLOSE, "tcp_timeout_close"}};
  for (const auto& [state, name] : kStates) settings.tcp_timeouts_s_[state] = read_setting(name);
  settings.udp_timeout_s_ = read_setting("udp_timeout");
  return settings;
}

std::optional<std::int64_t> ConntrackSettings::duration_ms(
    const ConntrackEntry& entry) const noexcept {
  if (entry.start_ns == 0 || entry.end_ns < entry.start_ns) return std::nullopt;
  const std::uint64_t stayed_ms = (entry.end_ns - entry.start_ns) / 1'000'000;
  std::uint64_t timeout_s = 0;
  if (entry.ends.protocol == kProtocolTcp && entry.tcp_state < kTcpStates) {
    timeout_s = tcp_timeouts_s_[entry.tcp_state];
  } else if (entry.ends.protocol == kProtocolUdp) {
    timeout_s = udp_timeout_s_;
  }
  // An entry that was removed ahead of its time has some of it left.
  const std::uint64_t idle_ms =
      (timeout_s - std::min<std::uint64_t>(timeout_s, entry.timeout_s)) * 1000;
  return static_cast<std::int64_t>(stayed_ms - std::min(stayed_ms, idle_ms));
}

}  // namespace picortex
