#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "handlers/event_writer.h"
#include "reactor/log.h"
#include "reactor/reactor.h"
#include "storage/query.h"

namespace picortex {

// A query on its way, and the member function of its owner that is called behind each slice: it
// takes what it wants of `rows`, and may pause or end the query; else there will be another slice.
// It lives inside its owner.
class RunningQuery {
 public:
  template <auto Method, class Owner>
  static RunningQuery to(Owner& owner) noexcept {
    static_assert(std::is_nothrow_invocable_v<decltype(Method), Owner&>);
    return RunningQuery(&owner,
                        [](void* bound) noexcept { (static_cast<Owner*>(bound)->*Method)(); });
  }

  RunningQuery(const RunningQuery&) = delete;
  RunningQuery& operator=(const RunningQuery&) = delete;
  ~RunningQuery() { CHECK(state_ == State::idle); }

  bool is_idle() const noexcept { return state_ == State::idle; }
  // True: the database could not be read. There will be no further slice; it is to be ended.
  bool has_failed() const noexcept { return state_ == State::failed; }
  // What was found and not taken out yet.
  std::vector<EventRow>& rows() noexcept { return rows_; }
  // All that fits has been found.
  bool is_done() const noexcept { return query_->is_done(); }
  // Where the next page goes on: everything up to here has been looked at.
  std::optional<std::int64_t> reached() const noexcept {
    const auto reached = query_->reached();
    return reached ? reached : after_;
  }
  const QueryCost& cost() const noexcept { return query_->cost(); }

 private:
  friend class QueryRunner;
  using Handler = void (*)(void*) noexcept;
  enum class State { idle, waiting, paused, failed };

  RunningQuery(void* owner, Handler handler) noexcept : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
  State state_ = State::idle;
  EventFilter filter_;
  std::optional<std::int64_t> after_;
  QueryBudget budget_;
  std::uint64_t opening_ = 0;  // of the reader that query_ asks
  std::unique_ptr<EventQuery> query_;
  std::vector<EventRow> rows_;
};

// Runs queries on a connection of its own that only reads: at each turn's end one slice, of about a
// millisecond, of the query whose turn it is. The connection is opened by the first query, and anew
// whenever the writer has met a fault, since then the file may be another one.
//
// While events wait to be stored, kPause passes behind each slice: who asks gets a tenth of the
// loop at most, and who stores the rest.
class QueryRunner {
 public:
  static constexpr std::chrono::milliseconds kPause{10};

  // `directory` has the database. What is passed by reference outlives this.
  QueryRunner(Reactor& reactor, Log& log, const EventWriter& writer, std::string directory);

  // A slice ends once `rows_max` rows wait to be taken out, or a megabyte more of their texts.
  void start(RunningQuery& running, EventFilter filter, std::optional<std::int64_t> after,
             std::size_t rows_max);
  void pause(RunningQuery& running) noexcept;
  void resume(RunningQuery& running);
  void end(RunningQuery& running) noexcept;

  // The request of the event that has this id: a few seeks. Within a handler, whose query has not
  // failed. None also when the database cannot be read.
  std::optional<Uuid> request_of(const Uuid& event_id);

 private:
  void on_turn_end() noexcept;
  void on_pause_end() noexcept {}  // the turn that it makes is all
  StoreResult<void> run_slice(RunningQuery& running);
  StoreResult<void> open_reader();

  Reactor& reactor_;
  Log& log_;
  const EventWriter& writer_;
  std::string directory_;
  std::unique_ptr<EventReader> reader_;
  std::uint64_t opening_ = 0;
  std::uint64_t writer_faults_ = 0;  // when reader_ was opened
  std::deque<RunningQuery*> waiting_;
  DeadlineList pauses_{kPause};
  Deadline pause_ = Deadline::to<&QueryRunner::on_pause_end>(*this);
};

}  // namespace picortex
