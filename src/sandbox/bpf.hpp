// Bpf: an assembler for the kernel's classic BPF. Its jumps only go forward, so a program is written from its end: an instruction is given
// the ones it leads to, which exist by then.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace sallyport::sandbox {

class BpfProgram {
 public:
  /// An instruction, counted from the end.
  using Label = std::size_t;
  enum class Test : std::uint16_t { equal, at_least, any_bit };

  /// Ends the program with this value.
  Label answer(std::uint32_t value);
  /// The next instruction in order is `next`.
  Label load(std::uint32_t offset, Label next);
  Label mask(std::uint32_t bits, Label next);
  Label when(Test test, std::uint32_t value, Label yes, Label no);

  /// From `first` on, which must be what was written last: eight bytes an instruction, as the kernel lays them out.
  std::vector<std::uint64_t> finish(Label first) const;

 private:
  struct Instruction {
    std::uint16_t code = 0;
    std::uint8_t yes = 0, no = 0;
    std::uint32_t value = 0;
  };
  Label add(Instruction instruction);
  void follow_with(Label next);
  Label within_reach(Label target, std::size_t spare);

  std::vector<Instruction> backwards_;
  std::map<Label, Label> nearest_;  // of an instruction far away: the last stand-in for it
};

}  // namespace sallyport::sandbox
