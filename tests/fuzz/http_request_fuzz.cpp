// A request read whole and read in pieces must have the same outcome: the same rejection, or the
// same method, target, fields and body, ending at the same byte.
#include <string>

#include "base/check.h"
#include "handlers/http/head_scanner.h"
#include "handlers/http/request_parser.h"
#include "tests/fuzz/split_points.h"

using namespace picortex::http;

namespace {

constexpr std::size_t kBodySizeMax = 1000;

enum class End { need_more, rejected, whole };

// One request, read as a connection does: `shown` holds everything since its first byte.
class Reader {
 public:
  End read(std::span<const std::uint8_t> shown) {
    const std::string_view bytes(reinterpret_cast<const char*>(shown.data()), shown.size());
    if (!in_body_) {
      const HeadScanner::Answer answer = scanner_.scan(bytes);
      if (answer.kind == HeadScanner::Answer::Kind::incomplete) return End::need_more;
      if (answer.kind == HeadScanner::Answer::Kind::rejected) {
        return reject({answer.status, answer.reason});
      }
      CHECK(answer.size <= bytes.size());
      // The connection keeps the head for as long as the body takes.
      head = bytes.substr(scanner_.start(), answer.size - scanner_.start());
      if (const Rejection why = parser_.parse_head(head, request)) return reject(why);
      CHECK(request.has_body != parser_.is_complete());
      size = answer.size;
      in_body_ = true;
    }
    if (!parser_.is_complete() && size < bytes.size()) {
      const auto progress = parser_.parse_body(bytes.substr(size), body, kBodySizeMax);
      CHECK(body.size() <= kBodySizeMax);
      if (progress.rejection) return reject(progress.rejection);
      CHECK(progress.consumed <= bytes.size() - size);
      size += progress.consumed;
    }
    return parser_.is_complete() ? End::whole : End::need_more;
  }

  Rejection rejection;
  Request request;
  std::string head;
  std::string body;
  std::size_t size = 0;

 private:
  End reject(const Rejection& why) {
    rejection = why;
    return End::rejected;
  }

  HeadScanner scanner_;
  RequestParser parser_;
  bool in_body_ = false;
};

void check_same(const Request& a, const Request& b) {
  CHECK(a.method == b.method && a.minor_version == b.minor_version);
  CHECK(a.target == b.target && a.authority == b.authority);
  CHECK(a.path == b.path && a.query == b.query && a.host == b.host);
  CHECK(a.keep_alive == b.keep_alive && a.has_body == b.has_body);
  CHECK(a.expects_continue == b.expects_continue && a.content_length == b.content_length);
  CHECK(a.fields.size() == b.fields.size());
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    CHECK(a.fields[i].name == b.fields[i].name && a.fields[i].value == b.fields[i].value);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::span stream(data + 1, size - 1);
  Reader whole;
  const End end = whole.read(stream);

  Reader pieces;
  const auto read = [&](auto shown) { return pieces.read(shown); };
  CHECK(picortex::fuzz::read_in_pieces(data[0], stream, End::need_more, read) == end);
  CHECK(pieces.rejection.status == whole.rejection.status);
  if (end == End::whole) {
    CHECK(pieces.size == whole.size && pieces.body == whole.body);
    check_same(pieces.request, whole.request);
    // A head that moves takes its views along, and the path's, which may be a literal.
    const std::string moved = whole.head;
    whole.request.move_views(whole.head, moved.data());
    check_same(pieces.request, whole.request);
  }
  return 0;
}
