// `picortex egress why HOST`: the daemon knows what was denied; with the token it says everything,
// to the fenced user what that user attempted.
#include <simdjson.h>

#include <chrono>
#include <cstdio>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/terminal.h"
#include "base/time/timestamp.h"
#include "cli/client/event_post.h"
#include "cli/client/http_client.h"
#include "cli/commands/time_expression.h"
#include "cli/egress/egress_command.h"
#include "netfilter/report/egress_texts.h"
#include "netfilter/wire/host_name.h"

namespace picortex {
namespace {

using simdjson::dom::element;

std::string visible_text(const element& object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? visible(text) : std::string();
}

// The time of day and the date in the local zone.
std::string time_of(const element& object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return {};
  const auto time_ms = parse_iso_time(text);
  return time_ms ? local_time(*time_ms).substr(0, 19) : std::string();
}

void print_denial(const element& denial) {
  std::uint64_t port = 0;
  if (denial["port"].get(port) != simdjson::SUCCESS) port = 0;
  const std::int64_t count = denial["count"].get_int64();
  std::printf("%s  denied %s, %s\n", time_of(denial, "last").c_str(),
              place_of(visible_text(denial, "host"), static_cast<std::uint16_t>(port)).c_str(),
              count == 1 ? "once" : (std::to_string(count) + " times").c_str());
  std::printf("    why: %s (%s)\n", visible_text(denial, "meaning").c_str(),
              visible_text(denial, "reason").c_str());
  const std::string command = visible_text(denial, "operator_command");
  if (!command.empty()) std::printf("    the operator can allow it: %s\n", command.c_str());
  const std::string executable = visible_text(denial, "executable");
  const std::string request = visible_text(denial, "request_id");
  const std::string chat = visible_text(denial, "chat_id");
  if (!executable.empty()) std::printf("    by: %s\n", executable.c_str());
  if (!chat.empty()) std::printf("    chat: %s\n", chat.c_str());
  if (!request.empty()) std::printf("    turn: %s\n", request.c_str());
}

// Returns the exit status: 0 if something was denied.
Result<int> print_answer(std::string_view body) {
  simdjson::dom::parser parser;
  try {
    const element answer = parser.parse(body.data(), body.size());
    std::size_t count = 0;
    for (const element denial : answer["denials"].get_array()) {
      print_denial(denial);
      ++count;
    }
    if (count == 0) {
      std::printf("nothing was denied for %s since %s\n", visible_text(answer, "host").c_str(),
                  time_of(answer, "since").c_str());
    }
    element rule;
    if (answer["rule"].get(rule) == simdjson::SUCCESS && rule.is_object()) {
      std::printf("allowed now by %s (%s)\n", visible_text(rule, "rule").c_str(),
                  visible_text(rule, "source").c_str());
    }
    return count > 0 ? 0 : 1;
  } catch (const simdjson::simdjson_error& error) {
    return failure(std::string("the daemon's answer is invalid: ") + error.what());
  }
}

std::string message_of(std::string_view body) {
  simdjson::dom::parser parser;
  std::string_view text;
  if (parser.parse(body.data(), body.size())["message"].get(text) != simdjson::SUCCESS) return {};
  return ": " + visible(text);
}

}  // namespace

int egress_why(const EgressOptions& options) {
  const auto address = parse_ip_address(options.argument);
  const auto name = HostName::parse(options.argument);
  if (!address && !name) {
    return egress_failed(2, display(options.argument) + " is neither a host nor an address");
  }
  const std::string path =
      "/api/egress/why?host=" + (address ? to_string(*address) : std::string(name->view()));
  const auto token = read_token(options.data_dir);
  const auto reply =
      ask(options.server, {.method = "GET", .path = path, .token = token ? &*token : nullptr},
          std::chrono::seconds(5));
  if (!reply) return egress_failed(1, reply.error().what);
  if (reply->status != 200) {
    return egress_failed(1, "the daemon answered with HTTP status " +
                                std::to_string(reply->status) + message_of(reply->body));
  }
  if (options.is_json) return std::printf("%s\n", reply->body.c_str()) < 0 ? 1 : 0;
  const auto status = print_answer(reply->body);
  return status ? *status : egress_failed(1, status.error().what);
}

}  // namespace picortex
