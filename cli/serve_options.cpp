#include "cli/serve_options.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace picortex {
namespace {

// A parser for the words of a closed set.
template <class Value, std::size_t size>
auto word_of(const std::pair<std::string_view, Value> (&words)[size]) {
  return [&words](std::string_view text) {
    std::optional<Value> value;
    for (const auto& [word, meant] : words) {
      if (word == text) value = meant;
    }
    return value;
  };
}

constexpr std::pair<std::string_view, LogFormat> kLogFormats[] = {
    {"auto", LogFormat::automatic}, {"json", LogFormat::json}, {"pretty", LogFormat::pretty}};
constexpr std::pair<std::string_view, LogLevelFormat> kLogLevelFormats[] = {
    {"label", LogLevelFormat::label}, {"number", LogLevelFormat::number}};
constexpr std::pair<std::string_view, Durability> kDurabilities[] = {
    {"power", Durability::power}, {"process", Durability::process}};

std::optional<std::string> parse_directory(std::string_view text) {
  constexpr std::size_t kSizeMax = 4000;  // leaves room for a file name within PATH_MAX
  if (text.empty() || text.size() > kSizeMax || text.find('\0') != text.npos) return std::nullopt;
  return std::string(text);
}

// A host name by RFC 1123, or an IPv4 address, plus the underscore that names in use have.
std::optional<std::string> parse_host(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return std::nullopt;
  std::string host;
  std::size_t label_size = 0;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool is_name = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (c == '.' ? label_size == 0 : !is_name && !(c == '-' && label_size > 0)) return std::nullopt;
    label_size = c == '.' ? 0 : label_size + 1;
    if (label_size > 63) return std::nullopt;
    host += c;
  }
  return host;
}

std::optional<std::string> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  if (address.find('\0') != std::string::npos) return std::nullopt;
  unsigned char bytes[sizeof(in6_addr)];
  char canonical[INET6_ADDRSTRLEN];
  const int family = address.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (inet_pton(family, address.c_str(), bytes) != 1) return std::nullopt;
  inet_ntop(family, bytes, canonical, sizeof canonical);
  const unsigned width = family == AF_INET ? 32 : 128;
  unsigned bits = width;
  if (slash != std::string_view::npos) {
    const std::string_view length = text.substr(slash + 1);
    const char* const end = length.data() + length.size();
    const auto read = std::from_chars(length.data(), end, bits);
    if (read.ec != std::errc{} || read.ptr != end || bits > width) return std::nullopt;
  }
  return std::string(canonical) + '/' + std::to_string(bits);
}

std::optional<std::string> parse_socket_path(std::string_view text) {
  if (text.empty()) return std::string();
  if (text.front() != '/' || text.size() >= sizeof sockaddr_un{}.sun_path ||
      text.find('\0') != text.npos) {
    return std::nullopt;
  }
  return std::string(text);
}

}  // namespace

std::string read_data_dir(Settings& settings) {
  if (settings.is_given(kDataDir)) return settings.one(kDataDir, parse_directory);
  const std::string_view state = settings.environment_variable("STATE_DIRECTORY");
  const std::string_view first = state.substr(0, state.find(':'));
  return first.empty() ? "./var" : std::string(first);
}

Result<ServeOptions> read_serve_options(Settings& settings) {
  ServeOptions options;
  options.listen = settings.list(kListen, ListenAddress::parse);
  options.data_dir = read_data_dir(settings);
  options.log_level = settings.one(kLogLevel, parse_level);
  options.log_format = settings.one(kLogFormat, word_of(kLogFormats));
  options.log_level_format = settings.one(kLogLevelFormat, word_of(kLogLevelFormats));
  options.frontend_log_size_max = settings.number(kFrontendLogMaxBytes, 1, 16 * 1024 * 1024);
  options.frontend_logs_per_minute = settings.number(kFrontendLogRate, 0, 1'000'000);
  options.hosts = settings.list(kHosts, parse_host);
  options.durability = settings.one(kDurability, word_of(kDurabilities));
  options.trusted_proxies = settings.list(kTrustedProxies, parse_network);
  options.tmux_socket = settings.one(kTmuxSocket, parse_socket_path);
  options.drain_seconds = settings.number(kDrainSeconds, 1, 300);
  options.connections_max = settings.number(kConnectionsMax, 16, 100'000);
  if (settings.error()) return std::unexpected(*settings.error());
  return options;
}

}  // namespace picortex
