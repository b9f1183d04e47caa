#include <boost/test/unit_test.hpp>

#include "tests/cli/doctor/test_host.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(doctor_host_checks)

namespace {

using Check = void (*)(const Examined&, Findings&);

Findings run(TestHost& host, Check check, const std::string& config = {}) {
  const CheckedConfig checked = host.configure(config);
  Findings findings;
  check(examine(host.host(), checked), findings);
  return findings;
}

const std::string kFenced = "PICORTEX_EGRESS_MODE=enforce\n";

}  // namespace

BOOST_AUTO_TEST_CASE(journald_is_read_as_it_reads_itself) {
  TestHost host;
  host.write("/etc/systemd/journald.conf",
             "[Other]\nLineMax=1\n[Journal]\n#LineMax=2\nLineMax=4K\n");
  host.write("/usr/lib/systemd/journald.conf.d/10-a.conf", "[Journal]\nLineMax = 8K\n");
  host.write("/etc/systemd/journald.conf.d/10-a.conf", "[Journal]\nRateLimitBurst=50\n");
  auto findings = run(host, check_journald);
  auto lines = wrong(findings, "journald.line");
  BOOST_REQUIRE_EQUAL(lines.size(), 1);
  BOOST_TEST(has(lines[0], "LineMax=4K"));  // the drop-in of /usr is hidden by that of /etc
  BOOST_REQUIRE_EQUAL(wrong(findings, "journald.rate").size(), 1);
  BOOST_TEST(wrong(findings, "journald.rate")[0].fix.find("RateLimitBurst=10000") !=
             std::string::npos);

  host.write("/run/systemd/journald.conf.d/20-b.conf",
             "[Journal]\nLineMax=\nRateLimitIntervalSec=0\n");
  findings = run(host, check_journald);
  BOOST_TEST((findings.worst() == Severity::ok));
  host.write("/run/systemd/journald.conf.d/30-c.conf",
             "[Journal]\nStorage=none\nRateLimitIntervalSec=a\n");
  findings = run(host, check_journald);
  BOOST_TEST(wrong(findings, "journald.storage").size() == 1);
  BOOST_TEST(findings.count(Severity::skipped) == 1);
}

BOOST_AUTO_TEST_CASE(without_journald_there_is_nothing_to_check) {
  TestHost host;
  BOOST_TEST(run(host, check_journald).count(Severity::skipped) == 1);
}

BOOST_AUTO_TEST_CASE(the_table_of_connections_is_judged_by_its_fill_and_its_size) {
  const auto severity = [](const char* count, const char* most) {
    TestHost host;
    host.write("/proc/sys/net/netfilter/nf_conntrack_count", count);
    host.write("/proc/sys/net/netfilter/nf_conntrack_max", most);
    host.write("/proc/sys/kernel/yama/ptrace_scope", "1\n");
    return run(host, check_kernel, kFenced).worst();
  };
  BOOST_TEST((severity("10\n", "262144\n") == Severity::ok));
  BOOST_TEST((severity("183499\n", "262144\n") == Severity::warning));
  BOOST_TEST((severity("235926\n", "262144\n") == Severity::problem));
  BOOST_TEST((severity("10\n", "65535\n") == Severity::warning));
  BOOST_TEST((severity("10\n", "0\n") == Severity::ok));
  BOOST_TEST((severity("ten\n", "262144\n") == Severity::ok));
}

BOOST_AUTO_TEST_CASE(the_kernel_must_permit_io_uring) {
  TestHost host;
  BOOST_TEST((run(host, check_kernel).worst() == Severity::ok));
  host.write("/proc/sys/kernel/io_uring_disabled", "1\n");
  const auto found = wrong(run(host, check_kernel), "kernel.io_uring");
  BOOST_REQUIRE_EQUAL(found.size(), 1);
  BOOST_TEST(found[0].fix ==
             "printf '%s\\n' 'kernel.io_uring_disabled = 0' > "
             "/etc/sysctl.d/60-picortex-io_uring_disabled.conf && sysctl -p "
             "/etc/sysctl.d/60-picortex-io_uring_disabled.conf");
}

BOOST_AUTO_TEST_CASE(ptrace_and_resolvers_matter_only_to_a_fence) {
  TestHost host;
  host.write("/proc/sys/kernel/yama/ptrace_scope", "0\n");
  host.write("/etc/nsswitch.conf", "hosts: files resolve dns\n");
  host.write("/run/systemd/resolve/io.systemd.Resolve", "");
  BOOST_TEST((run(host, check_kernel).worst() == Severity::ok));
  BOOST_TEST((run(host, check_resolver).worst() == Severity::ok));
  BOOST_TEST(wrong(run(host, check_kernel, kFenced), "kernel.ptrace").size() == 1);
  const auto findings = run(host, check_resolver, kFenced);
  BOOST_TEST(wrong(findings, "resolver.nsswitch").size() == 1);
  BOOST_TEST(wrong(findings, "resolver.resolved").size() == 1);
}

BOOST_AUTO_TEST_CASE(events_that_are_kept_for_ever_need_a_limit_of_size) {
  TestHost host;
  const auto kept = [&](const std::string& config) {
    return wrong(run(host, check_disk, config), "disk.retention").size();
  };
  BOOST_TEST(kept("PICORTEX_RETENTION_DAYS=0\n") == 1);
  BOOST_TEST(kept("PICORTEX_RETENTION_DAYS=0\nPICORTEX_MAX_DB_BYTES=1G\n") == 0);
  BOOST_TEST(kept("") == 0);
}

BOOST_AUTO_TEST_CASE(an_unsynchronised_clock_is_a_warning_and_an_unknown_one_is_skipped) {
  TestHost host;
  BOOST_TEST((run(host, check_clock).worst() == Severity::ok));
  host.host().clock_is_synchronised = [] { return std::optional(false); };
  BOOST_TEST((run(host, check_clock).worst() == Severity::warning));
  host.host().clock_is_synchronised = [] { return std::optional<bool>(); };
  BOOST_TEST(run(host, check_clock).count(Severity::skipped) == 1);
}

BOOST_AUTO_TEST_CASE(hooks_must_go_where_the_daemon_listens) {
  TestHost host;
  host.write("/etc/claude-code/managed-settings.json",
             R"({"url": "http://127.0.0.1:9/hooks/claude"})");
  const auto found = wrong(run(host, check_telemetry), "telemetry.hooks");
  BOOST_REQUIRE_EQUAL(found.size(), 1);
  BOOST_TEST(found[0].fix == "picortex claude install --listen 127.0.0.1:8787");
  BOOST_TEST((run(host, check_telemetry, "PICORTEX_LISTEN=0.0.0.0:9\n").worst() == Severity::ok));
}

BOOST_AUTO_TEST_CASE(without_tmux_nothing_is_asked) {
  TestHost host;
  BOOST_TEST((run(host, check_tmux, "PICORTEX_TMUX_SOCKET=none\n").worst() == Severity::ok));
  const auto missing =
      wrong(run(host, check_tmux, "PICORTEX_TMUX_SOCKET=/run/bot/tmux\n"), "tmux.server");
  BOOST_REQUIRE_EQUAL(missing.size(), 1);
  BOOST_TEST(missing[0].fix == "apt install -y tmux");
  host.write("/run/bot/tmux", "");
  BOOST_TEST(
      wrong(run(host, check_tmux, "PICORTEX_TMUX_SOCKET=/run/bot/tmux\n"), "tmux.socket").size() ==
      1);
}

BOOST_AUTO_TEST_CASE(the_service_cannot_see_the_default_socket_of_tmux) {
  TestHost host;
  host.write("/run/systemd/system/x", "");
  BOOST_TEST(wrong(run(host, check_tmux), "tmux.socket").size() == 1);
}

BOOST_AUTO_TEST_CASE(a_client_needs_a_token_or_a_socket) {
  TestHost host;
  const CheckedConfig config = host.configure("PICORTEX_DATA_DIR=/data\n");
  host.write("/data/token", "secret");
  const Examined examined = examine(host.host(), config);
  const HostUser bot{1001, 1001, "bot"};
  const auto check = [&](const Environment& environment = {}) {
    Findings findings;
    check_client(examined, bot, environment, findings);
    return findings;
  };
  BOOST_TEST((check().worst() == Severity::ok));
  host.host().may = [](const HostUser&, const std::string& path, int) {
    return std::optional(!path.ends_with("/data"));
  };
  const auto found = wrong(check(), "client.token");
  BOOST_REQUIRE_EQUAL(found.size(), 1);
  BOOST_TEST(has(found[0], "bot may not enter /data, and so sends no events"));
  BOOST_TEST(
      found[0].fix ==
      "install -D -m 600 -o bot /dev/null /etc/picortex/bot.token && picortex token create bot "
      "--scope write --data-dir /data > /etc/picortex/bot.token && export "
      "PICORTEX_TOKEN_FILE=/etc/picortex/bot.token");
  BOOST_TEST((check({{"PICORTEX_TOKEN", "x"}}).worst() == Severity::ok));
  BOOST_TEST((check({{"PICORTEX_TOKEN_FILE", "/home/bot/token"}}).worst() == Severity::ok));
  host.host().may = [](const HostUser&, const std::string&, int) { return std::optional<bool>(); };
  BOOST_TEST(check().count(Severity::skipped) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
