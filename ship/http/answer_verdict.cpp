#include "ship/http/answer_verdict.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/text.h"
#include "ship/encode/otlp_encoder.h"

namespace picortex::shipping {
namespace {

using Kind = AnswerVerdict::Kind;

constexpr std::int64_t kRetryAfterMaxS = 3600;
// CANNOT_PARSE_TEXT, …_NUMBER, …_DATE, …_DATETIME, …_QUOTED_STRING, …_ESCAPE_SEQUENCE,
// …_INPUT_ASSERTION_FAILED, TOO_LARGE_STRING_SIZE, UNKNOWN_ELEMENT_OF_ENUM, INCORRECT_DATA,
// CANNOT_PARSE_UUID, VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
constexpr std::array kUnparsable{6, 25, 26, 27, 38, 41, 72, 117, 131, 321, 376, 691};

// 18.16 answers only in the body: "Code: 26, e.displayText() = …".
std::optional<int> exception_code(const HttpAnswer& answer) {
  std::string_view text = answer.clickhouse_code;
  if (text.empty()) {
    text = answer.body;
    if (!text.starts_with("Code: ")) return std::nullopt;
    text.remove_prefix(6);
  }
  return take_whole<int>(text);
}

// "Unknown field" is INCORRECT_DATA too, and says that the table is another one.
bool is_about_a_value(const HttpAnswer& answer) {
  const auto code = exception_code(answer);
  if (!code) return answer.status == 400;
  return std::ranges::find(kUnparsable, *code) != kUnparsable.end() &&
         answer.body.find("Unknown field") == std::string::npos;
}

// IMF-fixdate, which all senders use (RFC 9110, section 5.6.7), as Unix time.
std::optional<std::int64_t> http_date_of(const std::string& text) {
  std::tm time{};
  const char* const end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&time);
}

std::optional<std::chrono::milliseconds> retry_after_of(const HttpAnswer& answer,
                                                        std::int64_t now_s) {
  if (answer.retry_after.empty()) return std::nullopt;
  std::optional<std::int64_t> seconds = parse_whole<std::int64_t>(answer.retry_after, 0);
  if (!seconds) {
    const auto date = http_date_of(answer.retry_after);
    if (!date) return std::nullopt;
    seconds = std::max<std::int64_t>(*date - now_s, 0);
  }
  return std::chrono::seconds(std::min(*seconds, kRetryAfterMaxS));
}

// What follows the first `"name":` of a JSON text. The text may be long, and cut off.
std::string_view after_name(std::string_view json, std::string_view name) {
  const std::string member = '"' + std::string(name) + "\":";
  const std::size_t at = json.find(member);
  return at == std::string_view::npos ? std::string_view()
                                      : trimmed(json.substr(at + member.size()), " ");
}

// Receivers of NDJSON that count answer as Axiom does, also for a request of which they take nothing:
// {"ingested":2,"failed":1,"failures":[{"timestamp":…,"error":"…"}],…}
void read_failed(std::string_view body, AnswerVerdict& verdict) {
  std::string_view failed = after_name(body, "failed");
  verdict.rejected = std::max<std::int64_t>(take_whole<std::int64_t>(failed).value_or(0), 0);
  if (verdict.rejected == 0) return;
  std::string_view error = after_name(body, "error");
  if (!error.starts_with('"')) return;
  error.remove_prefix(1);
  append_visible(verdict.what, cut_to(error.substr(0, error.find('"')), 300));
}

std::string described(const HttpAnswer& answer) {
  std::string what = "the server answers " + std::to_string(answer.status);
  const std::string_view said = cut_to(trimmed(answer.body, " \t\r\n"), 300);
  if (said.empty()) return what;
  what += ": ";
  append_visible(what, said.substr(0, said.find('\n')));
  return what;
}

}  // namespace

AnswerVerdict judge(const Result<HttpAnswer>& answer, ShipTarget::Kind kind, std::int64_t now_s) {
  if (!answer) return {.kind = Kind::retry, .what = answer.error().what};
  const int status = answer->status;
  if (status >= 200 && status < 300) {
    AnswerVerdict verdict{.kind = Kind::accepted, .what = {}};
    if (kind == ShipTarget::Kind::otlp) {
      const OtlpPartialSuccess partial = read_otlp_answer(answer->body);
      verdict.rejected = std::max<std::int64_t>(partial.rejected, 0);
      if (verdict.rejected > 0) append_visible(verdict.what, cut_to(partial.message, 300));
    } else if (kind == ShipTarget::Kind::ndjson) {
      read_failed(answer->body, verdict);
    }
    return verdict;
  }
  AnswerVerdict verdict{.kind = Kind::retry,
                        .what = described(*answer),
                        .rejected = 0,
                        .retry_after = retry_after_of(*answer, now_s)};
  const bool is_value = kind == ShipTarget::Kind::clickhouse ? is_about_a_value(*answer)
                                                             : status == 400 || status == 422;
  if (status == 413 || is_value) verdict.kind = Kind::halve;
  return verdict;
}

}  // namespace picortex::shipping
