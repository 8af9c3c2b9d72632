// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/standstill.h"

#include <fmt/format.h>

#include "peal/chip/core.h"
#include "peal/machine/signal.h"

namespace peal {
namespace {

constexpr int most_lines = 32;

// A Peal signal by its number in its row, any other cell by its place in the buffer.
std::string cell_name(const SimMemory& memory, const Core::Wait& wait) {
  const SimMemory::Window* window = memory.window_at(wait.cell);
  if (window == nullptr) return "a cell outside every window";
  const std::size_t part = std::size_t{1} << memory.map().part_shift;
  const auto offset = (reinterpret_cast<std::uintptr_t>(wait.cell) -
                       reinterpret_cast<std::uintptr_t>(memory.map().base)) %
                          part -
                      window->offset;
  if (wait.cmp == WaitCmp::reached) {
    return fmt::format("`{}[{}]`", window->name, offset / sizeof(SignalCell));
  }
  return fmt::format("the signal at byte {} of `{}`", offset, window->name);
}

const char* symbol(WaitCmp cmp) {
  static constexpr const char* symbols[] = {">=", "==", "!=", ">", ">=", "<", "<="};
  return symbols[static_cast<std::size_t>(cmp)];
}

std::string describe(const Core& core, const SimMemory& memory) {
  const auto line = [&core](const std::string& what, SourcePlace place) {
    return fmt::format("  rank {} {}   {}:{}", core.rank(), what, place.file, place.line);
  };
  switch (core.blocked()) {
    case Core::Blocked::finished:
      return fmt::format("  rank {} finished", core.rank());
    case Core::Blocked::signal:
      break;
    case Core::Blocked::flag:
    case Core::Blocked::drain:
    case Core::Blocked::queue:
      return line("waits for an event flag that nobody sets", core.place());
    default:
      return line("waits for a step that does not come", core.place());
  }
  const Core::Wait& wait = core.waiting();
  const std::string cell = cell_name(memory, wait);
  if (wait.cmp == WaitCmp::reached) {
    return line(fmt::format("waits for {} arrivals at {}, {} of them are missing", wait.consumes,
                            cell, static_cast<std::int32_t>(wait.value - *wait.cell)),
                wait.place);
  }
  return line(
      fmt::format("waits for {} to be {} {}, it holds {}", cell, symbol(wait.cmp),
                  static_cast<std::int32_t>(wait.value), static_cast<std::int32_t>(*wait.cell)),
      wait.place);
}

}  // namespace

std::string describe_standstill(Fabric& fabric, const SimMemory& memory) {
  int waiting = 0;
  for (int index = 0; index < fabric.core_count(); ++index) {
    if (fabric.core(index).blocked() != Core::Blocked::finished) ++waiting;
  }
  std::string text = fmt::format("deadlock: {} of {} ranks wait and nobody can wake them", waiting,
                                 fabric.core_count());
  for (int index = 0; index < fabric.core_count(); ++index) {
    if (index == most_lines) {
      return text + fmt::format("\n  and {} more ranks", fabric.core_count() - most_lines);
    }
    text += "\n" + describe(fabric.core(index), memory);
  }
  return text;
}

}  // namespace peal
