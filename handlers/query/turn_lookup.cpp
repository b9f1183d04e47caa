#include "handlers/query/turn_lookup.h"

#include <utility>

namespace picortex {

TurnLookup::TurnLookup(Log& log, const EventWriter& writer, Worker& worker, std::string directory)
    : log_(log), writer_(writer), worker_(worker), directory_(std::move(directory)) {}

bool TurnLookup::is_used_up() const noexcept {
  return waiting_.size() >= kWaitingMax || writer_.log_is_too_long();
}

void TurnLookup::ask(TurnQuestion& question) {
  waiting_.push_back(&question);
  start_next();
}

void TurnLookup::start_next() {
  if (waiting_.empty() || worker_.is_busy()) return;
  writer_faults_ = writer_.faults();
  worker_.run<&TurnLookup::work, &TurnLookup::on_done>(*this);
}

// A fault of the writer may mean that the file is another one by now.
void TurnLookup::work() noexcept {
  TurnQuestion& question = *waiting_.front();
  if (reader_ == nullptr || reader_faults_ != writer_faults_) {
    reader_.reset();
    auto opened = TurnReader::open(directory_);
    if (!opened) {
      question.turns = std::unexpected(std::move(opened.error()));
      return;
    }
    reader_ = std::move(*opened);
    reader_faults_ = writer_faults_;
  }
  question.turns = reader_->read(question.filter);
  if (!question.turns) reader_.reset();
}

void TurnLookup::on_done() noexcept {
  TurnQuestion& question = *waiting_.front();
  waiting_.pop_front();
  if (!question.turns) {
    log_.line(Level::error, "db.query_failed").message(question.turns.error().what);
  }
  start_next();
  question.on_answer();
}

}  // namespace picortex
