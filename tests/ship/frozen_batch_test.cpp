#include "ship/frozen_batch.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>

#include "../cli/temporary_directory.h"

namespace picortex {

BOOST_AUTO_TEST_SUITE(frozen_batch)

namespace {

FrozenBatch some_batch() {
  FrozenBatch batch;
  batch.epoch = 7;
  batch.to = -5;
  batch.complete_ms = 1'794'924'000'000;
  batch.gone = 2;
  batch.groups = {0, 2};
  batch.append("first\n");
  batch.append("");
  batch.append(std::string("third\0\n{", 8));
  return batch;
}

BOOST_AUTO_TEST_CASE(a_batch_is_read_back_byte_for_byte) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/batch";
  BOOST_REQUIRE(save_batch(path, some_batch()));
  const auto loaded = load_batch(path);
  BOOST_REQUIRE(loaded);
  BOOST_REQUIRE(loaded->has_value());
  const FrozenBatch& batch = **loaded;
  BOOST_TEST(batch.records == some_batch().records);
  BOOST_TEST(batch.ends == some_batch().ends, boost::test_tools::per_element());
  BOOST_TEST(batch.groups == some_batch().groups, boost::test_tools::per_element());
  BOOST_TEST(batch.epoch == 7);
  BOOST_TEST(batch.to == -5);
  BOOST_TEST(batch.gone == 2);
  BOOST_TEST(batch.complete_ms == 1'794'924'000'000);
  BOOST_TEST(batch.slice(1, 3) == std::string_view("third\0\n{", 8));
  BOOST_TEST(batch.slice(0, 1) == "first\n");
  BOOST_TEST(batch.slice(0, 0) == "");
}

BOOST_AUTO_TEST_CASE(no_file_is_no_batch) {
  const TemporaryDirectory directory;
  const auto loaded = load_batch(directory.path() + "/batch");
  BOOST_REQUIRE(loaded);
  BOOST_TEST(!loaded->has_value());
}

BOOST_AUTO_TEST_CASE(a_file_that_was_changed_is_reported) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/batch";
  BOOST_REQUIRE(save_batch(path, some_batch()));
  std::ifstream in(path);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  for (const std::string& text :
       {whole.substr(0, whole.size() - 1), whole + "x", std::string("{}\n"), std::string("no"),
        std::string("{\"epoch\":1,\"to\":1,\"complete_ms\":1,\"gone\":0,\"sizes\":[3],"
                    "\"groups\":[1]}\nabc"),
        std::string("{\"epoch\":1,\"to\":1,\"complete_ms\":1,\"gone\":0,\"sizes\":[-1,4],"
                    "\"groups\":[0]}\nabc"),
        std::string("{\"epoch\":1,\"to\":1,\"complete_ms\":1,\"gone\":0,"
                    "\"sizes\":[18446744073709551615,4],\"groups\":[0]}\nabc")}) {
    directory.write("batch", text);
    const auto loaded = load_batch(path);
    BOOST_TEST(!loaded, text);
    if (!loaded) BOOST_TEST(loaded.error().what.find("is damaged") != std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace picortex
