#include "handlers/ingest/otlp/otlp_protobuf.h"

#include <boost/test/unit_test.hpp>
#include <protozero/pbf_writer.hpp>
#include <random>
#include <string>

#include "tests/handlers/ingest/otlp/otlp_fixture.h"

using namespace picortex;

namespace {

using Fixture = test::OtlpFixture;
using protozero::pbf_writer;

// A message of fields that `write` adds.
template <class Write>
std::string message(Write write) {
  std::string text;
  pbf_writer writer(text);
  write(writer);
  return text;
}

std::string wrap(std::initializer_list<protozero::pbf_tag_type> tags, std::string inner) {
  for (auto tag = std::rbegin(tags); tag != std::rend(tags); ++tag) {
    inner = message([&](pbf_writer& writer) { writer.add_message(*tag, inner); });
  }
  return inner;
}

std::string text_value(const std::string& text) {
  return message([&](pbf_writer& writer) { writer.add_string(1, text); });
}

std::string pair(const std::string& key, const std::string& value) {
  return message([&](pbf_writer& writer) {
    writer.add_string(1, key);
    writer.add_message(2, value);
  });
}

// resource_logs > scope_logs > log_records
std::string one_log_record(const std::string& record) { return wrap({1, 2, 2}, record); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(otlp_protobuf, Fixture)

BOOST_AUTO_TEST_CASE(all_kinds_of_values_are_read) {
  const std::string list = message([](pbf_writer& writer) {
    writer.add_message(1, text_value("a"));
    writer.add_message(1, message([](pbf_writer& value) { value.add_int64(3, -7); }));
  });
  const std::string map =
      message([](pbf_writer& writer) { writer.add_message(1, pair("k", text_value("v"))); });
  const std::string record = message([&](pbf_writer& writer) {
    const auto add = [&](const std::string& key, auto write) {
      writer.add_message(6, pair(key, message(write)));
    };
    writer.add_fixed64(1, 1'795'880'745'255'000'000);
    writer.add_enum(2, 13);
    writer.add_message(5, text_value("hello"));
    add("b", [](pbf_writer& value) { value.add_bool(2, true); });
    add("i", [](pbf_writer& value) { value.add_int64(3, -5); });
    add("d", [](pbf_writer& value) { value.add_double(4, 0.25); });
    add("l", [&](pbf_writer& value) { value.add_message(5, list); });
    add("m", [&](pbf_writer& value) { value.add_message(6, map); });
    add("y", [&](pbf_writer& value) { value.add_bytes(7, std::string("\0\1\2\3", 4)); });
    writer.add_bytes(9, std::string("\x01\x90\0\0\0\0\x70\0\x80\0\0\0\0\0\x0a\xbc", 16));
    writer.add_string(12, "job.done");
    writer.add_uint32(7, 3);
    writer.add_string(99, "unknown");
  });
  BOOST_TEST(decode_protobuf(one_log_record(record)) == "");
  BOOST_TEST(only().event_type == "job.done");
  BOOST_TEST(bool(only().level == Level::warn));
  BOOST_TEST(only().msg == "hello");
  BOOST_TEST(only().time_ms == 1'795'880'745'255);
  BOOST_TEST(to_string(only().request_id) == "01900000-0000-7000-8000-000000000abc");
  BOOST_TEST(only().data ==
             R"({"b":true,"i":-5,"d":0.25,"l":["a",-7],"m":{"k":"v"},"y":"AAECAw==",)"
             R"("trace_id":"01900000000070008000000000000abc"})");
}

BOOST_AUTO_TEST_CASE(a_resource_counts_wherever_it_stands_in_its_group) {
  const std::string resource = wrap({1}, pair("service.name", text_value("bot")));
  const std::string group = message([&](pbf_writer& writer) {
    writer.add_message(2, wrap({2}, message([](pbf_writer& record) { record.add_enum(2, 9); })));
    writer.add_message(1, resource);
  });
  BOOST_TEST(decode_protobuf(wrap({1}, group)) == "");
  BOOST_TEST(only().data == R"({"resource":{"service.name":"bot"}})");
}

BOOST_AUTO_TEST_CASE(both_encodings_of_the_clients_payloads_give_the_same_rows) {
  const struct {
    const char* name;
    OtlpSignal signal;
  } cases[] = {{"logs_text", OtlpSignal::logs},       {"logs_bash_1", OtlpSignal::logs},
               {"logs_bash_2", OtlpSignal::logs},     {"v197_logs_bash", OtlpSignal::logs},
               {"traces_bash_1", OtlpSignal::traces}, {"metrics_text", OtlpSignal::metrics}};
  for (const auto& [name, signal] : cases) {
    BOOST_TEST(decode_protobuf(test::golden(name + std::string(".bin")), signal) == "");
    const auto from_protobuf = rows();
    const std::size_t records = receiver.records();
    BOOST_TEST(decode_json(test::golden(name + std::string(".decoded.json")), signal) == "");
    BOOST_TEST(rows() == from_protobuf, boost::test_tools::per_element());
    BOOST_TEST(receiver.records() == records);
    BOOST_TEST(records > 0u);
  }
}

BOOST_AUTO_TEST_CASE(what_is_cut_or_damaged_is_an_error_and_nothing_worse) {
  const std::string body = test::golden("logs_bash_2.bin");
  std::size_t errors = 0;
  for (std::size_t size = 0; size < body.size(); size += 7) {
    errors += !decode_protobuf(std::string_view(body).substr(0, size)).empty();
  }
  BOOST_TEST(errors > body.size() / 8);
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = body;
    for (int j = 0; j < 3; ++j) damaged[random() % damaged.size()] = static_cast<char>(random());
    decode_protobuf(damaged);
  }
  BOOST_TEST(decode_protobuf("{}") != "");
  BOOST_TEST(decode_protobuf("") == "");
}

BOOST_AUTO_TEST_CASE(deep_values_and_wrong_ids_are_rejected) {
  std::string value = text_value("x");
  for (int i = 0; i < 9; ++i) value = wrap({5, 1}, value);
  BOOST_TEST(decode_protobuf(one_log_record(wrap({5}, value))) ==
             "A value is nested more than 8 levels deep");
  const std::string record =
      message([](pbf_writer& writer) { writer.add_bytes(9, std::string("short")); });
  BOOST_TEST(decode_protobuf(one_log_record(record)) == "A trace or span ID has a wrong length");
}

BOOST_AUTO_TEST_SUITE_END()
