// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/deadlock.h"

#include <fmt/format.h>

#include <optional>

#include "peal/chip/core/core.h"
#include "peal/machine/signal.h"

namespace peal {
namespace {

// Names a Peal signal by its index in its row, and any other cell by its byte in its buffer.
std::string cell_name(const Regions& regions, const Core::Wait& wait) {
  const std::optional<Region> window = regions.find(wait.cell);
  if (!window || !regions.holds(wait.cell, sizeof(*wait.cell))) {
    return "a cell outside every window";
  }
  const auto offset =
      static_cast<std::size_t>(reinterpret_cast<const std::byte*>(wait.cell) - window->data);
  if (wait.cmp == WaitCmp::reached) {
    return fmt::format("`{}[{}]`", window->name, offset / sizeof(SignalCell));
  }
  return fmt::format("the signal at byte {} of `{}`", offset, window->name);
}

std::string word_name(const Regions& regions, const void* address) {
  const std::optional<Region> window = regions.find(address);
  if (!window) return "a word outside every window";
  return fmt::format("byte {} of `{}`", static_cast<const std::byte*>(address) - window->data,
                     window->name);
}

}  // namespace

StandingCore describe(const Core& core) {
  StandingCore result{.rank = core.rank(), .core = core.index(), .what = {}, .file = {}};
  const auto at = [&result, &core](const std::string& what, SourcePlace place) {
    result.what = what;
    // Who waits in an algorithm of the library is in the last call that its rank has begun.
    const bool is_in_call =
        place.origin == SourceOrigin::library || place.origin == SourceOrigin::call;
    if (is_in_call && core.last_call()) result.what += " in " + describe(*core.last_call());
    result.file = place.file;
    result.line = place.line;
    return result;
  };
  switch (core.blocked()) {
    case Core::Blocked::finished:
      result.is_finished = true;
      result.what = "finished";
      return result;
    case Core::Blocked::parked:
      result.is_finished = true;
      result.what = "has nothing to do";
      return result;
    case Core::Blocked::signal:
      break;
    case Core::Blocked::look:
      result.looks_at_word = true;
      result.cell = reinterpret_cast<std::uint64_t>(core.looks_at());
      result.signal = word_name(core.fabric().regions(), core.looks_at());
      return at(fmt::format("looks at {} until it finds something else", result.signal),
                core.place());
    case Core::Blocked::flag:
    case Core::Blocked::drain:
    case Core::Blocked::queue:
      return at("waits for an event flag that nobody sets", core.missing_flag());
    default:
      return at("waits for a step that does not come", core.place());
  }
  const Core::Wait& wait = core.waiting();
  const std::string cell = cell_name(core.fabric().regions(), wait);
  result.waits_for_signal = true;
  result.signal = cell;
  result.cell = reinterpret_cast<std::uint64_t>(wait.cell);
  result.cmp = wait.cmp;
  result.wanted = wait.value;
  result.held = *wait.cell;
  if (wait.cmp == WaitCmp::reached) {
    return at(describe_wait(static_cast<std::int32_t>(wait.consumes), cell,
                            static_cast<std::int32_t>(wait.value - *wait.cell)),
              wait.place);
  }
  return at(
      fmt::format("waits for {} to be {} {}, it holds {}", cell, symbol(wait.cmp),
                  static_cast<std::int32_t>(wait.value), static_cast<std::int32_t>(*wait.cell)),
      wait.place);
}

Deadlock deadlock(Fabric& fabric) {
  std::vector<StandingCore> cores;
  for (int index = 0; index < fabric.core_count(); ++index) {
    cores.push_back(describe(fabric.core(index)));
  }
  const std::string text = describe_deadlock(cores, fabric.core_count());
  return {text, std::move(cores)};
}

}  // namespace peal
