#include "netfilter/dns/address_log.h"

#include <sys/stat.h>

#include <filesystem>

#include "tests/netfilter/now.h"
#include "tests/support/loop_fixture.h"

using namespace picortex;
using namespace picortex::test;

namespace {

IpAddress numbered(std::uint32_t number) {
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i) {
    address.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  return address;
}

struct LogFixture : LoopFixture {
  LogFixture() { std::filesystem::create_directory(directory); }
  ~LogFixture() { std::filesystem::remove_all(directory); }

  // A daemon's life with the files: `live` does what it does; at the end it is killed, or stops.
  template <class Live>
  AddressLog::Restored run(Live live, std::int64_t now_ms = kNow) {
    Reactor* own = reactors.emplace_back(std::move(*Reactor::open())).get();
    DnsCache table;
    auto opened = AddressLog::open(*own, file, table, now_ms, filter);
    BOOST_REQUIRE(opened.has_value());
    AddressLog& address_log = **opened;
    current = &address_log;
    live(table, address_log, *own);
    address_log.stop();
    while (!address_log.is_idle()) own->iterate();
    return address_log.restored();
  }
  static void iterate(Reactor& loop) {
    for (int i = 0; i < 3; ++i) {
      loop.turn_at_once();
      loop.iterate();
    }
    // A busy kernel may write later than at once.
    while (!current->is_idle()) loop.iterate();
  }
  std::string text(const char* which) const {
    std::ifstream in(file + which);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const char* which, const std::string& content) const {
    std::ofstream(file + which, std::ios::trunc) << content;
    chmod((file + which).c_str(), 0600);
  }
  // The file of the newest generation.
  const char* newest() const {
    const auto generation = [this](const char* which) {
      const std::string content = text(which);
      return content.size() < 22 ? 0 : std::stoi(content.substr(21));
    };
    return generation(".b") > generation(".a") ? ".b" : ".a";
  }

  inline static AddressLog* current = nullptr;  // of the run
  std::string directory = "/tmp/picortex-addresses-" + std::to_string(getpid());
  std::string file = directory + "/addresses";
  bool is_permitted(const AddressRecord& record) noexcept {
    return record.name != "forbidden.test";
  }
  AddressLog::Filter filter = AddressLog::Filter::to<&LogFixture::is_permitted>(*this);
  std::vector<std::unique_ptr<Reactor>> reactors;  // their hooks outlive no log
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(address_log, LogFixture)

BOOST_AUTO_TEST_CASE(what_was_answered_is_there_after_a_restart) {
  run([](DnsCache& table, AddressLog&, Reactor& loop) {
    table.learn(numbered(1), "a.test", 60, kNow);
    table.learn(*parse_ip_address("2001:db8::1"), "b.test", 60, kNow);
    table.learn(numbered(2), "forbidden.test", 60, kNow);
    iterate(loop);
  });
  for (int start = 0; start < 3; ++start) {
    const auto restored = run(
        [](DnsCache& table, AddressLog&, Reactor&) {
          BOOST_TEST(table.size() == 2u);
          BOOST_TEST(table.agrees(numbered(1), "a.test", kNow + 600'000));
          BOOST_TEST(!table.agrees(numbered(2), "forbidden.test", kNow));
        },
        kNow + 300'000);
    BOOST_TEST(restored.damaged == 0u);
  }
  run([](DnsCache& table, AddressLog&, Reactor&) { BOOST_TEST(table.size() == 0u); },
      kNow + 700'000);
}

BOOST_AUTO_TEST_CASE(records_are_in_the_file_before_the_next_iteration_ends) {
  run([this](DnsCache& table, AddressLog&, Reactor& loop) {
    table.learn(numbered(1), "a.test", 60, kNow);
    iterate(loop);
    BOOST_TEST(text(newest()).find("0.0.0.1 a.test ") != std::string::npos);
  });
  struct stat status {};
  BOOST_REQUIRE(stat((file + newest()).c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777) == 0600u);
}

BOOST_AUTO_TEST_CASE(a_record_that_was_cut_short_costs_no_other) {
  run([](DnsCache& table, AddressLog&, Reactor& loop) {
    for (std::uint32_t i = 0; i < 50; ++i) table.learn(numbered(i), "a.test", 60, kNow);
    iterate(loop);
  });
  const char* which = newest();
  const std::string whole = text(which);
  std::filesystem::remove(file + (which == std::string(".a") ? ".b" : ".a"));
  for (const std::size_t cut :
       {std::size_t{0}, std::size_t{1}, std::size_t{21}, whole.size() / 2, whole.size() - 2}) {
    write(which, whole.substr(0, cut));
    std::filesystem::remove(file + (which == std::string(".a") ? ".b" : ".a"));
    const auto restored = run([](DnsCache&, AddressLog&, Reactor&) {});
    const std::string kept = whole.substr(0, cut);
    const std::size_t complete = kept.rfind('\n') == kept.npos ? 0 : kept.rfind('\n');
    BOOST_TEST(restored.records == count(kept.substr(0, complete), " a.test "));
  }
}

BOOST_AUTO_TEST_CASE(hostile_content_is_not_believed) {
  run([](DnsCache& table, AddressLog&, Reactor& loop) {
    table.learn(numbered(1), "a.test", 60, kNow);
    iterate(loop);
  });
  const char* which = newest();
  const char* other = which == std::string(".a") ? ".b" : ".a";
  const std::string whole = text(which);
  std::string flipped = whole;
  flipped[whole.find("0.0.0.1") + 6] = '2';
  std::string binary(100'000, '\0');
  for (const std::string& bad :
       {flipped, binary, std::string(200'000, 'x'), std::string("picortex-addresses 2 1\n"),
        std::string("picortex-addresses 1 18446744073709551615\n"),
        std::string("picortex-addresses 1 99999999999999999999\n"),
        std::string("picortex-addresses 1 -1\n"),
        std::string("picortex-addresses 1 7\n\n\n7 \n")}) {
    write(which, bad);
    std::filesystem::remove(file + other);
    const auto restored =
        run([](DnsCache& table, AddressLog&, Reactor&) { BOOST_TEST(table.size() == 0u); });
    BOOST_TEST(restored.records == 0u);
  }
}

BOOST_AUTO_TEST_CASE(generations_alternate_and_lose_nothing) {
  constexpr std::uint32_t kKept = 3000;
  run([this](DnsCache& table, AddressLog& address_log, Reactor& loop) {
    for (std::uint32_t i = 0; i < kKept; ++i) table.learn(numbered(i), "kept.test", 3600, kNow);
    std::int64_t now = kNow;
    std::size_t largest = 0;
    // Renewals of a few names over hours, with the daemon's ticks.
    for (int round = 0; round < 2000; ++round) {
      now += 5000;
      if (round % 600 == 599) {
        for (std::uint32_t i = 0; i < kKept; ++i) table.learn(numbered(i), "kept.test", 3600, now);
      }
      for (std::uint32_t i = 0; i < 100; ++i) {
        table.learn(numbered(0x10000 + i * 2000 + static_cast<std::uint32_t>(round)), "busy.test",
                    30, now);
      }
      iterate(loop);
      address_log.tick(now);
      largest = std::max(largest, address_log.size());
    }
    BOOST_TEST(largest < 8 * RecordLog::kRotationMin);
    BOOST_TEST(std::stoi(text(newest()).substr(21)) > 2);
    BOOST_TEST(address_log.failures() == 0u);
  });
  run(
      [](DnsCache& table, AddressLog&, Reactor&) {
        for (std::uint32_t i = 0; i < kKept; ++i) {
          BOOST_REQUIRE(table.agrees(numbered(i), "kept.test", kNow + 10'000'000));
        }
      },
      kNow + 10'000'000);
}

BOOST_AUTO_TEST_SUITE_END()
