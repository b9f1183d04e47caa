#include "handlers/query/story.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/json/json_object.h"
#include "base/time/timestamp.h"
#include "handlers/query/story_data.h"

namespace picortex {
namespace {

constexpr std::size_t kValueShown = 4000;  // bytes of a detail
constexpr std::size_t kHostsShown = 3;

std::string in_quotes(std::string_view text) { return '"' + elided(text, kStoryTextShown) + '"'; }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

std::string child_end(EventData& data) {
  const std::string signal = data.text("signal");
  return signal.empty() ? "exited with status " + data.text("exit_status") : "ended by " + signal;
}

std::string host_of(EventData& data) {
  std::string host = data.text("host");
  if (host.empty()) host = data.text("address");
  const std::string port = data.text("port");
  if (host.empty()) host = "a host that is not named";
  return elided(port.empty() ? host : host + ':' + port, kStoryTextShown);
}

// A tool call of the agent, by the event of its result.
struct ToolCall {
  Uuid id;
  std::int64_t begin_ms = 0;
  std::int64_t end_ms = 0;
};

// Puts each denied connection, and each proposal of a host, under the tool call that made it: of several at the same
// time the one that began last. Nothing in a process names its tool call, so the time has to do.
void attribute_to_calls(std::vector<StoryStep>& steps, const std::vector<ToolCall>& calls) {
  // The report of a denial may be a moment later than the packet.
  constexpr std::int64_t kLateMs = 100;
  for (StoryStep& step : steps) {
    if (step.event_type != "egress.rejected" && step.event_type != "egress.proposal") continue;
    const ToolCall* made_by = nullptr;
    for (const ToolCall& call : calls) {
      if (step.time_ms < call.begin_ms || step.time_ms > call.end_ms + kLateMs) continue;
      if (made_by == nullptr || call.begin_ms > made_by->begin_ms) made_by = &call;
    }
    if (made_by != nullptr) step.within = made_by->id;
  }
}

// Reads the events once, in order, and derives the conclusion from them.
class Storyteller {
 public:
  void report(const EventRow& row) {
    data_.parse(row);
    StoryStep step{row.id, row.time_ms, row.level, row.event_type, title(row), {}};
    // The title already contains the message of `picortex run`.
    if (!row.msg.empty() && !step.what.ends_with(row.msg)) {
      step.what += (step.what.empty() ? "" : ": ") + elided(row.msg, kValueShown);
    }
    add_details(step);
    note_tool_call(step);
    story_.steps.push_back(std::move(step));
    if (story_.chat_id.empty()) story_.chat_id = row.chat_id;
    if (row.level >= Level::error) {
      if (errors_ == 0) first_error_ = row.msg.empty() ? row.event_type : row.msg;
      ++errors_;
    }
  }

  Story conclude() {
    if (decision_) story_.missing = decision_->missing;
    attribute_to_calls(story_.steps, tool_calls_);
    story_.outcome = outcome();
    std::string sentence = beginning();
    for (const std::string& clause : further()) sentence += "; " + clause;
    story_.conclusion = sentence + '.';
    return std::move(story_);
  }

  Story& story() { return story_; }

 private:
  // Records what the event means, and returns a title for it.
  std::string title(const EventRow& row) {
    const std::string_view type = row.event_type;
    if (type == "linq.inbound") {
      has_arrived_ = true;
      return "arrived";
    }
    if (type == "discriminator.decision") {
      decision_ = read_decision(data_);
      return decision_->decision.empty()
                 ? "decided, but the event does not say what"
                 : "decided: " + elided(decision_->decision, kStoryTextShown);
    }
    if (type == "tmux.turn.start") {
      has_turn_ = true;
      return "turn started";
    }
    if (type == "claude.prompt_submitted" || type == "claude.user_prompt" ||
        type == "claude.api_request") {
      has_turn_ = true;
      return "";
    }
    if (type == "child.start") return "child started";
    if (type == "child.exit") {
      if (row.level >= Level::warn) ++children_failed_;
      return "child " + elided(child_end(data_), kStoryTextShown);
    }
    if (type == "egress.rejected") {
      const std::string host = host_of(data_);
      ++rejections_;
      if (hosts_.size() < kHostsShown && std::ranges::find(hosts_, host) == hosts_.end()) {
        hosts_.push_back(host);
      }
      return "egress denied to " + host;
    }
    return row.level >= Level::error ? "error" : "";
  }

  void add_details(StoryStep& step) {
    const auto members = data_.members();
    if (!members) return;
    const auto add = [&](std::string_view name, const EventData::Element& value) {
      std::string text = data_.json(value);
      if (text.size() > kValueShown) {
        const std::string shorter = elided(text, kValueShown);
        text.clear();
        append_json_string(text, shorter);
      }
      step.details.push_back({std::string(name), std::move(text)});
    };
    const bool is_decision = step.event_type == "discriminator.decision";
    if (is_decision) {
      for (const std::string_view name : kDecisionFields) {
        if (const auto value = data_.member(name)) add(name, *value);
      }
    }
    for (const auto [name, value] : *members) {
      if (!is_decision || std::ranges::find(kDecisionFields, name) == kDecisionFields.end()) {
        add(name, value);
      }
    }
  }

  // A tool call ends with its result, which says how long it took.
  void note_tool_call(const StoryStep& step) {
    if (step.event_type != "claude.tool_result") return;
    double duration_ms = 0;
    const auto member = data_.member("duration_ms");
    if (!member || member->get(duration_ms) != simdjson::SUCCESS) return;
    if (!(duration_ms >= 0) || duration_ms > 7 * 86'400'000.0) return;
    tool_calls_.push_back(
        {step.id, step.time_ms - static_cast<std::int64_t>(duration_ms), step.time_ms});
  }

  bool is_skip() const { return decision_ && decision_->decision == "skip"; }

  StoryOutcome outcome() const {
    if (errors_ > 0) return StoryOutcome::failed;
    if (has_turn_) return StoryOutcome::answered;
    return is_skip() ? StoryOutcome::skipped : StoryOutcome::unknown;
  }

  std::string beginning() const {
    if (!decision_) {
      if (has_turn_) return "A turn was started; no discriminator.decision event says why";
      if (has_arrived_) {
        return "This message arrived, and no discriminator.decision or tmux.turn.start event says "
               "what became of it";
      }
      return "These events belong to no message: there is no linq.inbound, discriminator.decision "
             "or tmux.turn.start among them";
    }
    std::string text = "The discriminator ";
    if (is_skip()) {
      text += "skipped this message";
    } else if (decision_->decision.empty()) {
      text += "decided on this message, and its event does not say what";
    } else {
      text += "decided " + in_quotes(decision_->decision) + " on this message";
    }
    if (decision_->says_why()) return text + ": " + decision_->grounds();
    return text + ", and its event does not say why: it lacks " + joined(decision_->missing);
  }

  std::vector<std::string> further() const {
    std::vector<std::string> clauses;
    if (decision_) {
      if (has_turn_) clauses.push_back(is_skip() ? "yet a turn was started" : "a turn was started");
      if (!has_turn_ && !is_skip()) clauses.push_back("no turn was started");
    }
    if (children_failed_ > 0)
      clauses.push_back(counted(children_failed_, "child command") + " failed");
    if (rejections_ > 0) {
      clauses.push_back("egress was denied " +
                        (rejections_ == 1 ? std::string("once") : counted(rejections_, "time")) +
                        " (" + joined(hosts_) + ")");
    }
    if (errors_ > 0) {
      clauses.push_back((errors_ == 1 ? "it met an error: "
                                      : "it met " + counted(errors_, "error") + ", the first: ") +
                        in_quotes(first_error_));
    }
    return clauses;
  }

  Story story_;
  EventData data_;
  std::optional<Decision> decision_;  // the last one
  bool has_arrived_ = false;
  bool has_turn_ = false;
  std::size_t errors_ = 0;
  std::size_t rejections_ = 0;
  std::size_t children_failed_ = 0;
  std::string first_error_;
  std::vector<std::string> hosts_;
  std::vector<ToolCall> tool_calls_;
};

std::string_view outcome_name(StoryOutcome outcome) {
  switch (outcome) {
    case StoryOutcome::skipped:
      return "skipped";
    case StoryOutcome::answered:
      return "answered";
    case StoryOutcome::failed:
      return "failed";
    case StoryOutcome::unknown:
      return "unknown";
  }
  return "";
}

void append_step(JsonObject json, const StoryStep& step) {
  json.id("id", step.id).time("time", step.time_ms).text("level", level_label(step.level));
  json.text("event_type", step.event_type).text("what", step.what);
  if (step.within) json.id("within", *step.within);
  JsonObject details = json.object("details");
  for (const StoryStep::Detail& detail : step.details) details.value(detail.name) += detail.value;
}

}  // namespace

EventFilter story_filter(const Uuid& request_id) {
  EventFilter filter;
  filter.request_id = request_id;
  filter.order = EventOrder::oldest_first;
  return filter;
}

Story report_story(std::span<const EventRow> rows, bool is_cut_short) {
  CHECK(!rows.empty());
  Storyteller teller;
  teller.story().request_id = rows.front().request_id;
  teller.story().is_cut_short = is_cut_short;
  for (const EventRow& row : rows) teller.report(row);
  return teller.conclude();
}

void append_story_json(std::string& out, const Story& story) {
  JsonObject json(out);
  json.text("outcome", outcome_name(story.outcome)).text("conclusion", story.conclusion);
  {
    JsonArray missing = json.array("missing");
    for (const std::string& name : story.missing) missing.text(name);
  }
  json.id("request_id", story.request_id).text("chat_id", story.chat_id);
  json.boolean("cut_short", story.is_cut_short);
  JsonArray steps = json.array("steps");
  for (const StoryStep& step : story.steps) append_step(steps.object(), step);
}

}  // namespace picortex
