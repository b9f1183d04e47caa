#pragma once

#include <string>

#include "handlers/event_writer.h"
#include "handlers/http/server.h"
#include "reactor/output.h"

namespace picortex {

// GET /api/status: what the loop, the connections, the store and the log say of themselves.
class StatusEndpoint {
 public:
  // What is passed by reference outlives this.
  StatusEndpoint(Reactor& reactor, const http::Server& server, const EventWriter& writer,
                 const Output& output);

  void get(http::Exchange& exchange) noexcept;

 private:
  void append_loop();
  void append_http();
  void append_storage();
  void append_log();

  Reactor& reactor_;
  const http::Server& server_;
  const EventWriter& writer_;
  const Output& output_;
  std::string body_;
};

}  // namespace picortex
