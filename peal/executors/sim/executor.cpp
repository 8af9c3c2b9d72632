// SPDX-License-Identifier: Apache-2.0
#include "peal/executors/sim/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>

#include "peal/base/error.h"
#include "peal/executors/sim/deadlock.h"
#include "peal/executors/sim/rank_device.h"
#include "peal/executors/sim/schedule/schedule.h"

namespace peal {
namespace {

// RunOptions::progress is called every 2^18 steps.
constexpr std::uint64_t progress_mask = (std::uint64_t{1} << 18) - 1;

// The gap between buffers: an access that overruns a buffer lands in the gap, where the checks see
// that it belongs to no buffer.
constexpr std::size_t core_run_gap_bytes = std::size_t{64} * 1024;

// The fibers of a run, one per core.
class RankPrograms final : public ProgramSwitch {
 public:
  void resume(int core) override { fibers_[static_cast<std::size_t>(core)].resume(); }
  void suspend(int core) override { fibers_[static_cast<std::size_t>(core)].suspend(); }
  std::span<std::byte> stack(int core) override {
    return fibers_[static_cast<std::size_t>(core)].stack();
  }
  [[noreturn]] void abandon(int core, std::exception_ptr failure) override {
    fibers_[static_cast<std::size_t>(core)].abandon(std::move(failure));
  }
  // Ends all programs: drops the fibers that are inside a kernel, and unwinds the others. To be
  // called while everything that the programs refer to still lives.
  void end(Fabric& fabric) {
    for (std::size_t index = 0; index < fibers_.size(); ++index) {
      Core& core = fabric.core(static_cast<int>(index));
      core.mark_unwinding();
      if (core.in_kernel() && !fibers_[index].ended()) fibers_[index].drop();
    }
    fibers_.clear();
  }
  void add(StackPool& stacks, std::function<void()> program) {
    fibers_.emplace_back(stacks, std::move(program));
  }

 private:
  std::deque<Fiber> fibers_;  // a Fiber cannot move
};

struct RankState {
  RankState(SimRun& run, Core& core, int rank, int ranks)
      : device(run, core, rank, ranks), team(device, run.fabric.platform()) {}

  SimDevice device;
  Team team;
};

bool all_finished(Fabric& fabric) {
  for (int core = 0; core < fabric.core_count(); ++core) {
    if (fabric.core(core).blocked() != Core::Blocked::finished) return false;
  }
  return true;
}

struct Unwind {
  RankPrograms& programs;
  Fabric& fabric;
  ~Unwind() { programs.end(fabric); }
};

RunReport report_of(Fabric& fabric) {
  RunReport report;
  for (int index = 0; index < fabric.core_count(); ++index) {
    report.time_ps = std::max(report.time_ps, fabric.core(index).clock());
    report.chip_instructions += fabric.core(index).instructions();
  }
  return report;
}

// Takes steps until none is left. Throws Deadlock if a program has not finished by then.
RunReport finish(Fabric& fabric, const RunOptions& options, const std::uint64_t& notifies) {
  for (std::uint64_t steps = 1; fabric.step(); ++steps) {
    if ((steps & progress_mask) == 0 && options.progress) options.progress(notifies);
  }
  if (!all_finished(fabric)) throw deadlock(fabric);
  return report_of(fabric);
}

void check_ranks(int ranks) {
  if (ranks >= 1 && ranks <= SimExecutor::max_ranks) return;
  throw UsageError(
      fmt::format("run: {} ranks; the simulator takes 1 to {}", ranks, SimExecutor::max_ranks));
}

}  // namespace

Fabric::Settings SimExecutor::fabric_settings(Agenda& agenda, ProgramSwitch& programs,
                                              const RunOptions& options) const {
  return {.platform = platform_,
          .agenda = agenda,
          .programs = programs,
          .memory = memory_.map(),
          .regions = memory_,
          .values = options.values,
          .readers = options.readers,
          .skipped = options.skipped,
          .looks = &options.looks};
}

RunReport SimExecutor::run(int ranks, const std::function<void(Team&)>& program,
                           const RunOptions& options) {
  check_ranks(ranks);
  const std::unique_ptr<Agenda> agenda = make_schedule(options.schedule, options.save_schedule);
  memory_.begin_run(ranks, ranks, static_cast<std::size_t>(platform_.core.unified_buffer_bytes));
  if (!options.readers.empty()) memory_.keep_apart(core_run_gap_bytes);
  std::deque<RankState> states;  // outlives the fibers, whose unwinding uses it
  std::optional<SimRun> run;
  RankPrograms programs;
  Fabric fabric(fabric_settings(*agenda, programs, options));
  run.emplace(SimRun{.fabric = fabric,
                     .windows = memory_,
                     .options = options,
                     .foreseen = foreseen_,
                     .parts = std::vector<int>(static_cast<std::size_t>(ranks)),
                     .counts = std::vector<RankCounts>(static_cast<std::size_t>(ranks))});
  std::iota(run->parts.begin(), run->parts.end(), 0);
  const Unwind unwind{programs, fabric};
  for (int rank = 0; rank < ranks; ++rank) {
    Core& core = fabric.add_core(rank, memory_.on_chip(rank));
    report_on_chip(rank, rank, memory_.on_chip(rank),
                   static_cast<std::size_t>(platform_.core.unified_buffer_bytes), fabric);
    RankState& state = states.emplace_back(*run, core, rank, ranks);
    programs.add(stacks_, [&program, &state, &core] {
      program(state.team);
      state.device.finish();
      core.finish();
    });
  }
  try {
    RunReport report = finish(fabric, options, run->notifies);
    report.ranks = std::move(run->counts);
    return report;
  } catch (...) {
    if (options.on_failure) {
      RunReport report = report_of(fabric);
      report.ranks = std::move(run->counts);
      options.on_failure(report);
    }
    throw;
  }
}

RunReport SimExecutor::run_cores(const CoreRun& cores, const RunOptions& options) {
  check_ranks(cores.ranks);
  const std::unique_ptr<Agenda> agenda = make_schedule(options.schedule, options.save_schedule);
  const int count = cores.ranks * cores.blocks;
  memory_.begin_run(cores.ranks, count, static_cast<std::size_t>(on_chip_bytes(platform_)));
  memory_.keep_apart(core_run_gap_bytes);
  cores.prepare(memory_);
  RankPrograms programs;
  Fabric fabric(fabric_settings(*agenda, programs, options));
  const Unwind unwind{programs, fabric};
  for (const SimWindow& window : memory_.windows()) {
    for (int rank = 0; rank < cores.ranks; ++rank) report_window(window, rank, 0, fabric);
  }
  for (int index = 0; index < count; ++index) {
    const int rank = index / cores.blocks, block = index % cores.blocks;
    report_on_chip(index, rank, memory_.on_chip(index),
                   static_cast<std::size_t>(on_chip_bytes(platform_)), fabric);
    Core& core = fabric.add_core(rank, memory_.on_chip(index));
    programs.add(stacks_, [&cores, &core, rank, block] {
      cores.program(core, rank, block);
      core.finish();
    });
  }
  return finish(fabric, options, 0);
}

}  // namespace peal
