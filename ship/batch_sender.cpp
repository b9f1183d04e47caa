#include "ship/batch_sender.h"

#include <algorithm>
#include <utility>

namespace picortex::shipping {

Result<BatchSender::Outcome> BatchSender::send(const FrozenBatch& batch, std::size_t done) {
  nodes_.clear();
  suspects_.clear();
  std::size_t end = batch.size();
  for (auto group = batch.groups.rbegin(); group != batch.groups.rend(); ++group) {
    nodes_.push_back({*group, end});
    end = *group;
  }
  if (done > 0) has_accepted_ = true;
  while (!nodes_.empty()) {
    const Node node = nodes_.back();
    nodes_.pop_back();
    if (node.end <= done) continue;
    if (node.first < done) {
      push_halves(node);
      continue;
    }
    const Step step = TRY(this->step(batch, node));
    if (step == Step::stopped) return Outcome::stopped;
    if (step == Step::all_rejected) return Outcome::all_rejected;
  }
  return suspects_.empty() ? Outcome::done : Outcome::all_rejected;
}

Result<BatchSender::Step> BatchSender::step(const FrozenBatch& batch, const Node& node) {
  for (;;) {
    const std::string_view body = encoder_.body(batch.slice(node.first, node.end), scratch_);
    const auto answer = poster_.post(
        {.url = url_, .content_type = encoder_.content_type(), .body = body, .on_bytes = {}});
    const AnswerVerdict verdict = judge(answer, target_.kind, host_.now_s());
    if (verdict.kind != AnswerVerdict::Kind::retry) backoff_.reset();
    if (verdict.kind == AnswerVerdict::Kind::accepted) {
      // A receiver may say what it wants.
      const auto rejected = std::min(verdict.rejected, static_cast<std::int64_t>(node.size()));
      if (rejected > 0) host_.note_partly_rejected(rejected, verdict.what);
      TRY(accept(batch, node));
      return Step::next;
    }
    if (verdict.kind == AnswerVerdict::Kind::halve) return object(batch, node, verdict.what);
    const auto asked_for = verdict.retry_after.value_or(std::chrono::milliseconds(0));
    const auto wait = backoff_.next(asked_for, host_.random());
    host_.note_failure(verdict.what, backoff_.failures());
    if (!host_.wait(wait)) return Step::stopped;
  }
}

Result<BatchSender::Step> BatchSender::object(const FrozenBatch& batch, const Node& node,
                                              const std::string& why) {
  objection_ = why;
  if (node.size() > 1) {
    push_halves(node);
    return Step::next;
  }
  suspects_.push_back({node.first, why});
  if (has_accepted_) {
    reject_suspects(batch);
    if (!nodes_.empty()) TRY(host_.note_progress(node.end));
    return Step::next;
  }
  return suspects_.size() < kUnjustMax ? Step::next : Step::all_rejected;
}

Result<void> BatchSender::accept(const FrozenBatch& batch, const Node& node) {
  has_accepted_ = true;
  reject_suspects(batch);
  // With the last node the owner saves the position as a whole.
  return nodes_.empty() ? Result<void>() : host_.note_progress(node.end);
}

void BatchSender::reject_suspects(const FrozenBatch& batch) {
  for (const Suspect& suspect : suspects_) {
    host_.note_rejected(batch.slice(suspect.record, suspect.record + 1), suspect.why);
  }
  suspects_.clear();
}

void BatchSender::push_halves(const Node& node) {
  const std::size_t middle = node.first + node.size() / 2;
  nodes_.push_back({middle, node.end});
  nodes_.push_back({node.first, middle});
}

}  // namespace picortex::shipping
