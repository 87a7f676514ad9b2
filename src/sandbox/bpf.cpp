#include "sandbox/bpf.hpp"

#include <linux/filter.h>

#include <algorithm>
#include <bit>

namespace sallyport::sandbox {
namespace {

constexpr std::size_t reach = 255;  // instructions a conditional jump can skip

}  // namespace

BpfProgram::Label BpfProgram::add(Instruction instruction) {
  backwards_.push_back(instruction);
  return backwards_.size() - 1;
}

BpfProgram::Label BpfProgram::answer(std::uint32_t value) { return add({BPF_RET | BPF_K, 0, 0, value}); }

void BpfProgram::follow_with(Label next) {
  if (next + 1 != backwards_.size()) add({BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(backwards_.size() - next - 1)});
}

BpfProgram::Label BpfProgram::load(std::uint32_t offset, Label next) {
  follow_with(next);
  return add({BPF_LD | BPF_W | BPF_ABS, 0, 0, offset});
}

BpfProgram::Label BpfProgram::mask(std::uint32_t bits, Label next) {
  follow_with(next);
  return add({BPF_ALU | BPF_AND | BPF_K, 0, 0, bits});
}

// `spare`: instructions that may still be written between this one and the jump.
BpfProgram::Label BpfProgram::within_reach(Label target, std::size_t spare) {
  const auto near = [&](Label label) { return backwards_.size() + spare - label - 1 <= reach; };
  if (near(target)) return target;
  if (const auto found = nearest_.find(target); found != nearest_.end() && near(found->second)) return found->second;
  const auto original = backwards_[target];
  const bool ends = (original.code & 0x07) == BPF_RET;
  const auto stand_in = ends ? add(original) : add({BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(backwards_.size() - target - 1)});
  nearest_[target] = stand_in;
  return stand_in;
}

BpfProgram::Label BpfProgram::when(Test test, std::uint32_t value, Label yes, Label no) {
  const std::uint16_t code = test == Test::equal ? BPF_JEQ : test == Test::at_least ? BPF_JGE : BPF_JSET;
  const auto to_yes = within_reach(yes, 1);
  const auto to_no = within_reach(no, 0);
  const auto distance = [&](Label label) { return static_cast<std::uint8_t>(backwards_.size() - label - 1); };
  return add({static_cast<std::uint16_t>(BPF_JMP | BPF_K | code), distance(to_yes), distance(to_no), value});
}

std::vector<std::uint64_t> BpfProgram::finish(Label first) const {
  std::vector<std::uint64_t> program;
  for (auto at = first + 1; at-- > 0;) {
    const auto& one = backwards_[at];
    program.push_back(std::bit_cast<std::uint64_t>(sock_filter{one.code, one.yes, one.no, one.value}));
  }
  return program;
}

}  // namespace sallyport::sandbox
