#include "storage/compression/dictionary_builder.h"

#include <zstd.h>

#include <boost/test/unit_test.hpp>
#include <string>

using namespace picortex;

namespace {

// What an inbound message has; `text` is what a person wrote.
std::string data_of(int number, const std::string& text) {
  return R"({"service":"iMessage","direction":"inbound","handle":"+1555)" +
         std::to_string(1'000'000 + number * 7919 % 1'000'000) + R"(","text":")" + text + R"("})";
}

bool has(const std::string& dictionary, std::string_view text) {
  return dictionary.find(text) != dictionary.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dictionary_builder)

BOOST_AUTO_TEST_CASE(it_is_ready_after_enough_samples_or_bytes) {
  DictionaryBuilder builder;
  for (std::size_t i = 0; i < DictionaryBuilder::kSamples; ++i) {
    BOOST_TEST(!builder.is_ready());
    builder.add(data_of(static_cast<int>(i), "hello"), 1);
  }
  BOOST_TEST(builder.is_ready());
  builder.make();
  BOOST_TEST(!builder.is_ready());
  const std::string large(10'000, 'x');
  std::size_t count = 0;
  for (; !builder.is_ready(); ++count) builder.add("{\"text\":\"" + large + "\"}", 1);
  BOOST_TEST(count == DictionaryBuilder::kSampleBytes / DictionaryBuilder::kSampleSizeMax);
}

BOOST_AUTO_TEST_CASE(it_has_what_many_samples_share_and_nothing_that_one_person_wrote) {
  DictionaryBuilder builder;
  for (int i = 0; i < 256; ++i) {
    // A third of the samples is of one chat, in which somebody says the same again and again.
    const bool is_of_one = i % 3 == 0;
    builder.add(data_of(i, is_of_one ? "my secret is hunter2" : "message " + std::to_string(i)),
                is_of_one ? 7 : 100 + i % 5);
  }
  const std::string dictionary = builder.make();
  BOOST_TEST(dictionary.size() <= DictionaryBuilder::kSizeMax);
  BOOST_TEST(has(dictionary, R"("service":"iMessage","direction":"inbound","handle":)"));
  BOOST_TEST(!has(dictionary, "hunter2"));
  BOOST_TEST(!has(dictionary, "+1555"));
  BOOST_TEST(!has(dictionary, "message 1"));
}

BOOST_AUTO_TEST_CASE(names_are_shared_where_there_is_one_chat_only) {
  DictionaryBuilder builder;
  for (int i = 0; i < 256; ++i) builder.add(data_of(i, "hello"), 1);
  const std::string dictionary = builder.make();
  BOOST_TEST(has(dictionary, R"("direction":)"));
  BOOST_TEST(!has(dictionary, "hello"));
  BOOST_TEST(!has(dictionary, "inbound"));
}

BOOST_AUTO_TEST_CASE(any_bytes_and_samples_that_are_all_the_same_make_a_dictionary) {
  using namespace std::string_view_literals;
  for (const std::string_view sample :
       {"{\"a\":1}"sv, "\"\\"sv, "\"no end"sv, "{{{{::::"sv, "\xff\0\xfe"sv}) {
    DictionaryBuilder builder;
    for (int i = 0; i < 256; ++i) builder.add(sample, i % 2);
    const std::string dictionary = builder.make();
    ZSTD_CDict* const usable = ZSTD_createCDict(dictionary.data(), dictionary.size(), 3);
    BOOST_TEST((usable != nullptr));
    ZSTD_freeCDict(usable);
  }
}

BOOST_AUTO_TEST_SUITE_END()
