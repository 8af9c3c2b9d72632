// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/standstill.h"

#include <fmt/format.h>

#include "peal/chip/core.h"
#include "peal/machine/signal.h"

namespace peal {
namespace {

constexpr int most_lines = 32;

std::string cell_name(const SimMemory& memory, const void* cell) {
  const SimMemory::Window* window = memory.window_at(cell);
  if (window == nullptr) return "a cell outside every window";
  const std::size_t part = std::size_t{1} << memory.map().part_shift;
  const auto offset = (reinterpret_cast<std::uintptr_t>(cell) -
                       reinterpret_cast<std::uintptr_t>(memory.map().base)) %
                          part -
                      window->offset;
  return fmt::format("`{}[{}]`", window->name, offset / sizeof(SignalCell));
}

std::string describe(const Core& core, const SimMemory& memory) {
  if (core.blocked() == Core::Blocked::finished) {
    return fmt::format("  rank {} finished", core.rank());
  }
  if (core.blocked() != Core::Blocked::signal) {
    return fmt::format("  rank {} waits for an event flag that nobody sets   {}:{}", core.rank(),
                       core.place().file, core.place().line);
  }
  const Core::Wait& wait = core.waiting();
  const auto missing = static_cast<std::int32_t>(wait.value - *wait.cell);
  return fmt::format("  rank {} waits for {} arrivals at {}, {} of them are missing   {}:{}",
                     core.rank(), wait.consumes, cell_name(memory, wait.cell), missing,
                     wait.place.file, wait.place.line);
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
