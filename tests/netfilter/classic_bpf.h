#pragma once

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <vector>

// Runs a classic BPF program as xt_bpf does, as far as the fence's own programs need it.
namespace picortex::test {

struct BpfInstruction {
  unsigned code, jump_true, jump_false;
  std::uint32_t k;
};

// "count,code jt jf k,…" as iptables-save prints it.
inline std::vector<BpfInstruction> parse_bpf(const std::string& text) {
  std::vector<BpfInstruction> program;
  std::istringstream parts(text);
  std::string part;
  std::getline(parts, part, ',');
  const std::size_t count = std::stoul(part);
  while (std::getline(parts, part, ',')) {
    BpfInstruction instruction{};
    std::istringstream(part) >> instruction.code >> instruction.jump_true >>
        instruction.jump_false >> instruction.k;
    program.push_back(instruction);
  }
  BOOST_REQUIRE(program.size() == count);
  return program;
}

inline std::optional<std::uint32_t> load(std::span<const std::uint8_t> packet, std::size_t at,
                                         std::size_t size) {
  if (at + size > packet.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | packet[at + i];
  return value;
}

inline bool run_bpf(const std::string& text, std::span<const std::uint8_t> packet) {
  static std::map<std::string, std::vector<BpfInstruction>, std::less<>> parsed;
  auto known = parsed.find(text);
  if (known == parsed.end()) known = parsed.emplace(text, parse_bpf(text)).first;
  const std::vector<BpfInstruction>& program = known->second;
  std::uint32_t a = 0, x = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const BpfInstruction& i = program[at];
    std::optional<std::uint32_t> loaded = 0;
    switch (i.code) {
      case 48:
        loaded = load(packet, i.k, 1);
        break;
      case 40:
        loaded = load(packet, i.k, 2);
        break;
      case 80:
        loaded = load(packet, x + i.k, 1);
        break;
      case 72:
        loaded = load(packet, x + i.k, 2);
        break;
      case 64:
        loaded = load(packet, x + i.k, 4);
        break;
      case 177:
        loaded = load(packet, i.k, 1);
        break;
      case 84:
        a &= i.k;
        break;
      case 116:
        a >>= i.k;
        break;
      case 4:
        a += i.k;
        break;
      case 12:
        a += x;
        break;
      case 28:
        a -= x;
        break;
      case 7:
        x = a;
        break;
      case 135:
        a = x;
        break;
      case 21:
        at += a == i.k ? i.jump_true : i.jump_false;
        break;
      case 69:
        at += (a & i.k) != 0 ? i.jump_true : i.jump_false;
        break;
      case 6:
        return i.k != 0;
      default:
        BOOST_FAIL("unknown instruction " << i.code);
    }
    if (!loaded) return false;
    if (i.code == 177) {
      x = (*loaded & 0xf) * 4;
    } else if (i.code == 48 || i.code == 40 || i.code == 80 || i.code == 72 || i.code == 64) {
      a = *loaded;
    }
  }
  BOOST_FAIL("the program does not end");
  return false;
}

}  // namespace picortex::test
