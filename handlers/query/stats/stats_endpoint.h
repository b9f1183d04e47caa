#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "handlers/http/exchange.h"
#include "handlers/query/query_parameters.h"
#include "handlers/query/query_runner.h"
#include "storage/query/stats/chats_query.h"
#include "storage/query/stats/error_groups.h"
#include "storage/query/stats/histogram_query.h"

namespace picortex {

// The endpoints that count events. Each takes the filters of GET /api/events; what only asks about
// time, type, level and chat is answered by counts that the store keeps, anything else by reading
// what fits, slice by slice, up to kTimeMax.
//
//   GET /api/stats      ?by=…&sum=…&max=…&p50=…&p95=…  {"groups":[{"by":{…},"count":…,"sum":{…}}]}
//   GET /api/histogram  ?step=…                        {"from":…,"step_ms":…,"steps":[{…}]}
//   GET /api/facets                                    {"types":[…],"levels":[…],"chats":[…]}
//   GET /api/chats                                     {"chats":[…]}
//   GET /api/errors                                    {"errors":[…]}
class StatsEndpoint {
 public:
  static constexpr std::size_t kAnswersMax = 8;  // in the making; beyond it 503
  // Of a query; then the answer is a 503 that says how to ask for less.
  static constexpr std::chrono::seconds kTimeMax{10};

  // References passed in must outlive this object.
  StatsEndpoint(Reactor& reactor, QueryRunner& runner);

  void get_stats(http::Exchange& exchange) noexcept;
  void get_histogram(http::Exchange& exchange) noexcept;
  void get_facets(http::Exchange& exchange) noexcept;
  void get_chats(http::Exchange& exchange) noexcept;
  void get_errors(http::Exchange& exchange) noexcept;

 private:
  struct Answer;
  // Writes the text of an answer whose query is done.
  using Write = void (StatsEndpoint::*)(Answer& answer);

  // One answer in the making.
  struct Answer {
    explicit Answer(StatsEndpoint& endpoint) : owner(endpoint) {}
    void on_slice() noexcept { owner.look_at(*this); }

    StatsEndpoint& owner;
    http::Exchange* exchange = nullptr;
    StatsRequest request;
    Write write = nullptr;
    Instant since{};
    std::string body;
    RunningQuery query{Callback<>::to<&Answer::on_slice>(*this)};
  };

  void start(http::Exchange& exchange, StatsRequest request, std::unique_ptr<SlicedQuery> query,
             Write write);
  void look_at(Answer& answer);
  void finish(Answer& answer, int status, std::string_view text);

  void write_stats(Answer& answer);
  void write_histogram(Answer& answer);
  void write_facets(Answer& answer);
  void write_chats(Answer& answer);
  void write_errors(Answer& answer);

  Reactor& reactor_;
  QueryRunner& runner_;
  std::deque<Answer> answers_;
  std::vector<Answer*> free_;
};

}  // namespace picortex
