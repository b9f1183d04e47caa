#include "daemon/egress/denial_reasons.h"

#include "base/text.h"
#include "netfilter/report/denial_texts.h"
#include "netfilter/report/egress_texts.h"

namespace picortex {
namespace {

bool is_of(const Denial& denial, const FailedToolCall& call) noexcept {
  if (denial.last_ms < call.began_ms - DenialReasons::kSlackMs || denial.last_ms > call.now_ms) {
    return false;
  }
  const bool is_of_turn = !call.request_id.is_nil() && denial.ids.request_id == call.request_id;
  return is_of_turn || (!call.chat_id.empty() && denial.ids.chat_id == call.chat_id);
}

void append(std::string& text, const Denial& denial) {
  text += "- " + place_of(denial.host, denial.port) + ": " +
          std::string(reason_clause(denial.reason)) + '.';
  const std::string command = operator_command(denial);
  if (!command.empty()) text += " The operator can allow it: " + command;
  text += '\n';
}

}  // namespace

std::string DenialReasons::explain(const FailedToolCall& call) const {
  std::string list;
  std::size_t count = 0;
  denials_.find([&](const Denial& denial) {
    if (!is_of(denial, call)) return false;
    if (++count <= kDenialsMax) append(list, denial);
    return false;
  });
  if (count == 0) return {};
  std::string text =
      "The egress fence of this host denied network access while this tool call ran:\n" + list;
  if (count > kDenialsMax) {
    text += "- and " + std::to_string(count - kDenialsMax) + " more\n";
  }
  text +=
      "Trying again, or another way to the same host, does not help. If the task needs a host, "
      "ask for it: picortex egress request HOST --reason 'why'. Only the operator can allow it.";
  return std::string(cut_to(text, kTextSizeMax));
}

}  // namespace picortex
