#include <boost/test/unit_test.hpp>

#include "tests/cli/doctor/test_host.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(doctor_config_check)

namespace {

struct Checked {
  CheckedConfig config;
  Findings findings;
};

Checked check(const std::string& text, const Environment& environment = {},
              const FlagValues& flags = {}) {
  TestHost host;
  host.write("/etc/picortex/picortex.conf", text);
  Checked checked;
  checked.config = check_config(flags, environment, host.host(), checked.findings);
  return checked;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_valid_file_is_well_and_its_options_count) {
  const auto checked = check("LOG_LEVEL=debug\nPICORTEX_RETENTION_DAYS=3\n");
  BOOST_TEST((checked.findings.worst() == Severity::ok));
  BOOST_TEST((checked.config.options.log_level == Level::debug));
  BOOST_TEST(checked.config.file == "/etc/picortex/picortex.conf");
  BOOST_TEST(!checked.config.has_secret);
}

BOOST_AUTO_TEST_CASE(no_file_is_well) {
  TestHost host;
  Findings findings;
  const auto config = check_config({}, {}, host.host(), findings);
  BOOST_TEST((findings.worst() == Severity::ok));
  BOOST_TEST(config.file.empty());
  BOOST_TEST(config.options.retention.age_max_ms == std::int64_t{90} * 86'400'000);
}

BOOST_AUTO_TEST_CASE(every_wrong_line_is_reported_and_the_others_count) {
  const auto checked = check(
      "nonsense\nLOG_LEVEL=debug\nLOG_LEVEL=warn\n\nPICORTEX_PEERS='x\nPICORTEX_RETENTION_DAYS=7");
  const auto lines = wrong(checked.findings, "config.line");
  BOOST_REQUIRE_EQUAL(lines.size(), 3);
  BOOST_TEST(has(lines[0], "picortex.conf:1: \"nonsense\" is not a NAME=value line"));
  BOOST_TEST(lines[0].fix == "sed -i '1s/^/# /' /etc/picortex/picortex.conf");
  BOOST_TEST(has(lines[1], ":3: LOG_LEVEL is set in line 2 already"));
  BOOST_TEST(has(lines[2], ":5: PICORTEX_PEERS has a quote without its pair"));
  BOOST_TEST((checked.config.options.log_level == Level::debug));
  BOOST_TEST(checked.config.options.retention.age_max_ms == std::int64_t{7} * 86'400'000);
}

BOOST_AUTO_TEST_CASE(a_misspelt_name_is_put_right) {
  const auto checked = check("PICORTEX_RETENTOIN_DAYS=7\n$(reboot)=1\nXYZ=1\n");
  const auto lines = wrong(checked.findings, "config.line");
  BOOST_REQUIRE_EQUAL(lines.size(), 3);
  BOOST_TEST(lines[0].fix ==
             "sed -i '1s/^PICORTEX_RETENTOIN_DAYS=/PICORTEX_RETENTION_DAYS=/' "
             "/etc/picortex/picortex.conf");
  BOOST_TEST(lines[1].fix == "sed -i '2s/^/# /' /etc/picortex/picortex.conf");
  BOOST_TEST(lines[2].fix == "sed -i '3s/^/# /' /etc/picortex/picortex.conf");
}

BOOST_AUTO_TEST_CASE(every_wrong_value_is_reported_and_its_default_counts) {
  const auto checked =
      check("LOG_LEVEL=loud\nPICORTEX_LISTEN=127.0.0.1:80, nowhere\nPICORTEX_HOSTS=a.test",
            {{"PICORTEX_RETENTION_DAYS", "soon"}});
  const auto values = wrong(checked.findings, "config.value");
  BOOST_REQUIRE_EQUAL(values.size(), 3);
  BOOST_TEST(
      has(values[0], "--listen (/etc/picortex/picortex.conf:2): \"nowhere\" is not allowed"));
  BOOST_TEST(has(values[1], "--log-level (/etc/picortex/picortex.conf:1)"));
  BOOST_TEST(values[1].fix == "sed -i '1s/^/# /' /etc/picortex/picortex.conf");
  BOOST_TEST(has(values[2], "environment variable PICORTEX_RETENTION_DAYS"));
  BOOST_TEST(values[2].fix == "unset PICORTEX_RETENTION_DAYS");
  BOOST_TEST(checked.config.options.listen.front().text() == "127.0.0.1:8787");
  BOOST_TEST(checked.config.wrong_flag.empty());
}

BOOST_AUTO_TEST_CASE(a_wrong_flag_is_wrong_usage) {
  const auto checked = check("", {}, {{"PICORTEX_LISTEN", {"nowhere"}}});
  BOOST_TEST(checked.config.wrong_flag.starts_with("--listen (flag): \"nowhere\" is not allowed"));
}

BOOST_AUTO_TEST_CASE(a_secret_is_known_and_never_shown) {
  const auto checked = check("PICORTEX_LINQ_SECRET=hunter2\n");
  BOOST_TEST(checked.config.has_secret);
  const auto values = wrong(checked.findings, "config.value");
  BOOST_REQUIRE_EQUAL(values.size(), 1);
  BOOST_TEST(!has(values[0], "hunter2"));
}

BOOST_AUTO_TEST_CASE(a_thousand_wrong_lines_are_cut_short) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "nonsense\n";
  BOOST_TEST(wrong(check(text).findings, "config.line").size() == 100);
}

BOOST_AUTO_TEST_SUITE_END()
