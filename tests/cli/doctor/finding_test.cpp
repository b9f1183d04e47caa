#include "cli/doctor/finding.h"

#include <boost/test/unit_test.hpp>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(doctor_finding)

BOOST_AUTO_TEST_CASE(the_worst_finding_decides_and_skipped_ones_do_not_count) {
  Findings findings;
  BOOST_TEST((findings.worst() == Severity::ok));
  findings.skipped("a.b", "not seen");
  BOOST_TEST((findings.worst() == Severity::ok));
  findings.problem("a.c", "wrong", "correct it");
  findings.warning("a.d", "odd", "look");
  BOOST_TEST((findings.worst() == Severity::problem));
  BOOST_TEST(findings.count(Severity::warning) == 1);
}

BOOST_AUTO_TEST_CASE(a_finding_has_a_line_and_its_fix_another) {
  Findings findings;
  findings.ok("token.mode", "it is closed");
  findings.problem("data_dir.mode", "it is open", "chmod 700 /data");
  BOOST_TEST(render_findings(findings, false) ==
             "ok       token.mode        it is closed\n"
             "problem  data_dir.mode     it is open\n"
             "         fix: chmod 700 /data\n"
             "2 checks: 1 problem, 0 warnings\n");
  BOOST_TEST(render_findings(findings, true).starts_with("\x1b[32mok\x1b[0m       token.mode"));
}

BOOST_AUTO_TEST_CASE(no_text_of_a_finding_acts_on_a_terminal) {
  Findings findings;
  findings.warning("a.b", "x\x1b[2J\ny", "fix\x07\xe2\x80\xae");
  const std::string text = render_findings(findings, false);
  BOOST_TEST(text.find('\x1b') == text.npos);
  BOOST_TEST(text.find('\x07') == text.npos);
  BOOST_TEST(text.find("\xe2\x80\xae") == text.npos);
  BOOST_TEST(std::ranges::count(text, '\n') == 3);
}

BOOST_AUTO_TEST_CASE(as_json_it_is_one_object_on_a_line) {
  Findings findings;
  findings.ok("a.b", "\"well\"");
  findings.warning("a.c", "odd", "look");
  BOOST_TEST(
      findings_json(findings) ==
      R"({"status":"warning","findings":[{"check":"a.b","severity":"ok","what":"\"well\"","fix":null},)"
      R"({"check":"a.c","severity":"warning","what":"odd","fix":"look"}]})"
      "\n");
}

BOOST_AUTO_TEST_SUITE_END()
