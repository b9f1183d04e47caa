#include "cli/commands/chats.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/json/json_text.h"
#include "base/terminal.h"
#include "base/time/timestamp.h"
#include "cli/commands/time_expression.h"
#include "cli/output/table.h"
#include "daemon/config/serve_options.h"
#include "storage/query/stats/chats_query.h"

namespace picortex {
namespace {

std::string json_of(const std::vector<ChatSummary>& chats) {
  std::string out;
  for (const ChatSummary& chat : chats) {
    out += "{\"chat_id\":";
    append_json_string(out, chat.chat_id);
    out += ",\"last_seen\":\"" + iso_time(chat.last_ms) + "\",\"events\":";
    append_json_number(out, chat.events);
    out += ",\"turns\":";
    append_json_number(out, chat.turns);
    out += ",\"errors\":";
    append_json_number(out, chat.errors);
    out += "}\n";
  }
  return out;
}

std::string text_of(const std::vector<ChatSummary>& chats, std::size_t limit) {
  const std::size_t shown = std::min(chats.size(), limit);
  std::string out = grouped_digits(std::ssize(chats)) + (chats.size() == 1 ? " chat" : " chats");
  if (shown < chats.size()) {
    out += "; these are the " + std::to_string(shown) + " seen last: --limit shows more";
  }
  if (chats.empty()) return out + '\n';
  out += "; times are " + zone_name(chats.front().last_ms) + '\n';
  using Side = Table::Side;
  Table table({{"chat"},
               {"last seen"},
               {"events", Side::right},
               {"turns", Side::right},
               {"errors", Side::right}});
  for (std::size_t i = 0; i < shown; ++i) {
    const ChatSummary& chat = chats[i];
    table.add({chat.chat_id, local_time(chat.last_ms).substr(0, 19), grouped_digits(chat.events),
               grouped_digits(chat.turns), grouped_digits(chat.errors)});
  }
  table.append(out);
  return out;
}

Result<std::vector<ChatSummary>> find(const ChatsOptions& options) {
  auto source = TRY(open_source(options.data_dir, options.fleet));
  EventFilter filter = options.filter;
  if (options.request) filter.request_id = TRY(find_request(*source, *options.request));
  return source->chats(filter);
}

}  // namespace

Result<ChatsOptions> read_chats_options(Settings& settings) {
  ChatsOptions options;
  read_zone(settings);
  options.data_dir = read_data_dir(settings);
  auto fleet = read_fleet(settings);
  read_filters(settings, options.filter, options.request);
  options.json = settings.toggle(kAnswerJson);
  options.limit = settings.number(kAnswerLimit);
  if (settings.error()) return std::unexpected(*settings.error());
  if (!fleet) return failure("chats: " + fleet.error().what);
  options.fleet = *std::move(fleet);
  return options;
}

int chats(const ChatsOptions& options) {
  const auto found = find(options);
  if (!found) return print_error("chats", found.error().what);
  const std::string text = options.json ? json_of(*found) : text_of(*found, options.limit);
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : print_error("chats", "cannot write to stdout");
}

}  // namespace picortex
