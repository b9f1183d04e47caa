#include "ship/ship_target.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"
#include "base/parse.h"

namespace picortex {
namespace {

using Kind = ShipTarget::Kind;

struct Scheme {
  std::string_view prefix;
  Kind kind;
  std::string_view origin;
};

constexpr Scheme kSchemes[] = {{"clickhouse+http://", Kind::clickhouse, "http://"},
                               {"clickhouse+https://", Kind::clickhouse, "https://"},
                               {"otlp+http://", Kind::otlp, "http://"},
                               {"otlp+https://", Kind::otlp, "https://"},
                               {"ndjson+http://", Kind::ndjson, "http://"},
                               {"ndjson+https://", Kind::ndjson, "https://"}};

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// What may stand in a URL as it is sent: printable ASCII, no blank, and nothing that ends a part.
bool is_plain(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' && c != '#';
  });
}

bool is_identifier(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 128 && !is_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '_'; });
}

// A host's name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port.
bool is_authority(std::string_view text) noexcept {
  std::string_view host = text;
  std::string_view port;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && !text.ends_with(']')) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (!parse_whole<std::uint32_t>(port, 1, 65'535)) return false;
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    return host.size() >= 2 && std::ranges::all_of(host, [](char c) {
             return is_hex_digit(c) || c == ':' || c == '.';
           });
  }
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
  });
}

// Stable over versions and machines (FNV-1a), since it names a directory.
std::string hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += kHexDigits[(hash >> shift) & 15];
  return lowered(out);
}

class TargetReader {
 public:
  explicit TargetReader(ShipTarget& target) : target_(target) {}

  Result<void> read(std::string_view text) {
    if (text.size() > ShipTarget::kSizeMax) return failure("it is longer than 4000 bytes");
    const auto* const scheme = std::ranges::find_if(
        kSchemes, [text](const Scheme& each) { return text.starts_with(each.prefix); });
    if (scheme == std::end(kSchemes)) {
      return failure(
          "it names no kind of target: begin with clickhouse+http://, otlp+http:// or "
          "ndjson+http://, or the same with https");
    }
    if (!is_plain(text)) return failure("it has a character that must be percent-encoded");
    target_.kind = scheme->kind;
    text.remove_prefix(scheme->prefix.size());
    const std::size_t question = std::min(text.find('?'), text.size());
    std::string_view place = text.substr(0, question);
    const std::size_t slash = std::min(place.find('/'), place.size());
    TRY(read_authority(place.substr(0, slash), scheme->origin));
    TRY(read_path(place.substr(slash)));
    if (question < text.size()) TRY(read_query(text.substr(question + 1)));
    name_it(scheme->prefix);
    return {};
  }

 private:
  Result<void> read_authority(std::string_view authority, std::string_view origin) {
    const std::size_t at = authority.rfind('@');
    if (at != std::string_view::npos) {
      const std::string_view info = authority.substr(0, at);
      const std::size_t colon = std::min(info.find(':'), info.size());
      const auto user = percent_decoded(info.substr(0, colon));
      const auto password = percent_decoded(info.substr(std::min(colon + 1, info.size())));
      if (!user || !password || user->find(':') != std::string::npos ||
          std::ranges::any_of(*user + *password, is_control)) {
        return failure("its user or password is not percent-encoded text");
      }
      target_.user = *user;
      target_.password = *password;
      authority.remove_prefix(at + 1);
    }
    if (!is_authority(authority)) {
      return failure("it has no host: give HOST, HOST:PORT or [IPV6]:PORT after ://");
    }
    authority_ = lowered(authority);
    target_.origin = std::string(origin) + authority_;
    return {};
  }

  Result<void> read_path(std::string_view path) {
    target_.path = path.empty() ? "/" : path;
    if (target_.kind == Kind::otlp && target_.path == "/") target_.path = "/v1/logs";
    if (target_.kind != Kind::clickhouse) return {};
    const std::string_view database = path.empty() ? path : path.substr(1);
    target_.database = database.empty() ? "default" : database;
    target_.table = "picortex_events";
    target_.path = "/";
    if (is_identifier(target_.database)) return {};
    return failure("its path is not a database's name of letters, digits and _");
  }

  Result<void> read_query(std::string_view query) {
    while (!query.empty()) {
      const std::size_t end = std::min(query.find('&'), query.size());
      const std::string_view parameter = query.substr(0, end);
      query.remove_prefix(std::min(end + 1, query.size()));
      if (!parameter.empty()) TRY(read_parameter(parameter));
    }
    return {};
  }

  Result<void> read_parameter(std::string_view parameter) {
    const std::size_t sign = std::min(parameter.find('='), parameter.size());
    const std::string_view name = parameter.substr(0, sign);
    const auto value = percent_decoded(parameter.substr(std::min(sign + 1, parameter.size())));
    if (!value) return failure("a parameter of it is not percent-encoded");
    if (name == "table" && target_.kind == Kind::clickhouse) {
      if (!is_identifier(*value)) return failure("table= is not a name of letters, digits and _");
      target_.table = *value;
      return {};
    }
    if (name == "batch") {
      const auto number = parse_whole<std::uint32_t>(*value, 1, ShipTarget::kBatchMax);
      if (!number) return failure("batch= is not a whole number from 1 to 100000");
      target_.batch_max = *number;
      return {};
    }
    if (name == "header") return read_header(*value);
    if (name == "ca") {
      if (std::ranges::any_of(*value, is_control)) return failure("ca= is not a file's path");
      target_.ca_file = *value;
      return {};
    }
    if (!target_.query.empty()) target_.query += '&';
    target_.query += parameter;
    return {};
  }

  Result<void> read_header(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, std::min(colon, text.size()));
    const bool is_name = !name.empty() && std::ranges::all_of(name, [](char c) {
      return is_alphanumeric(c) || c == '-' || c == '_';
    });
    if (colon == std::string_view::npos || !is_name || std::ranges::any_of(text, is_control)) {
      return failure("header= is not NAME:TEXT");
    }
    std::string_view value = text.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    target_.headers.push_back(std::string(name) + ": " + std::string(value));
    return {};
  }

  void name_it(std::string_view prefix) {
    target_.shown = std::string(prefix) + authority_;
    std::string place = target_.path;
    if (target_.kind == Kind::clickhouse) {
      place = '/' + target_.database + "?table=" + target_.table;
    }
    target_.shown += place;
    const std::string_view kind = prefix.substr(0, prefix.find('+'));
    std::string host = authority_.substr(0, 64);
    std::ranges::replace_if(
        host, [](char c) { return !is_alphanumeric(c) && c != '.'; }, '-');
    // Other parameters may choose a stream or a data set of the server.
    target_.name = std::string(kind) + '-' + host + '-' +
                   hash_of(target_.shown + (target_.kind == Kind::clickhouse ? "" : target_.query));
  }

  ShipTarget& target_;
  std::string authority_;
};

}  // namespace

std::optional<std::string> parse_host_label(std::string_view text) {
  constexpr std::size_t kSizeMax = 253;
  const bool is_plain = text.size() <= kSizeMax && std::ranges::all_of(text, [](char c) {
                          return is_alphanumeric(c) || c == '.' || c == '-' || c == '_' || c == ':';
                        });
  return is_plain ? std::optional(std::string(text)) : std::nullopt;
}

Result<ShipTarget> ShipTarget::parse(std::string_view text) {
  ShipTarget target;
  if (auto read = TargetReader(target).read(text); !read) {
    return failure("the target is not allowed: " + read.error().what);
  }
  return target;
}

std::string ShipTarget::url(std::string_view more) const {
  std::string out = origin + path;
  std::string_view separator = "?";
  for (const std::string_view part : {std::string_view(query), more}) {
    if (part.empty()) continue;
    out.append(separator).append(part);
    separator = "&";
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

}  // namespace picortex
