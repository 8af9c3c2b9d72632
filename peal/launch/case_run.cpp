// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/case_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "peal/base/error.h"
#include "peal/cases/case_calls.h"
#include "peal/executors/sim/executor.h"
#include "peal/launch/case_program.h"
#include "peal/launch/launch.h"
#include "peal/launch/rank_tasks.h"
#include "peal/pto/include/tensor.h"
#include "peal/pto/load/fault_guard.h"

namespace peal {
namespace {

// The arguments and tasks of one rank's kernels in one call.
struct Bound {
  std::vector<ChipTensor> tensors;  // in the order of the arguments, without scalars
  std::vector<std::uint64_t> scalars;
  std::optional<RankTasks> tasks;
};

class CaseRun {
 public:
  CaseRun(const CaseFile& file, const CaseRunRequest& request)
      : file_(file),
        ranks_(request.ranks),
        setup_(case_setup(file, request.ranks)),
        calls_(file, request.ranks, request.calls.value_or(setup_.calls)),
        bound_(static_cast<std::size_t>(calls_.count()) * static_cast<std::size_t>(ranks_)),
        program_(file) {}

  [[nodiscard]] CaseRunResult run(const CaseRunRequest& request) {
    SimExecutor executor(request.target ? *request.target : simulated_target(request.platform));
    const FaultGuard guard(request.time_limit_seconds);
    CaseRunResult result;
    result.report = executor.run_cores(
        {.ranks = ranks_,
         .blocks = setup_.cores * program_.core_types(),
         .prepare = [this](SimMemory& memory) { prepare(memory); },
         .program =
             [this, &request](Core& core, int rank, int index) {
               run_tasks(core, rank, index, index == 0 ? request.options.readers : no_readers);
             }},
        request.options);
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      for (int rank = 0; rank < ranks_; ++rank) {
        calls_.report_expectation(request.options.readers, call, rank);
      }
    }
    calls_.compare(result);
    compare_windows(*map_, result);
    if (!request.options.readers.empty()) {
      result.outputs = calls_.outputs([this](std::int64_t call, int rank, std::size_t i) {
        return reinterpret_cast<std::uint64_t>(calls_.at(call, rank).arrays[i].data);
      });
    }
    return result;
  }

 private:
  [[nodiscard]] Bound& bound(std::int64_t call, int rank) {
    return bound_[static_cast<std::size_t>(call) * static_cast<std::size_t>(ranks_) +
                  static_cast<std::size_t>(rank)];
  }

  static RegionKind region_kind(ArgumentKind kind) {
    switch (kind) {
      case ArgumentKind::in:
        return RegionKind::input;
      case ArgumentKind::out:
        return RegionKind::output;
      case ArgumentKind::inout:
        return RegionKind::inout;
      default:
        return RegionKind::temporary;
    }
  }

  void prepare(SimMemory& memory) {
    const MemoryMap& map = map_.emplace(memory.map());
    for (std::size_t i = 0; i < file_.windows.size(); ++i) {
      const SimWindow& window =
          memory.add(file_.windows[i].name, setup_.window_bytes[i], RegionKind::window);
      windows_.push_back(memory.address(window, 0));
      if (!file_.windows[i].fill) continue;
      for (int rank = 0; rank < ranks_; ++rank) {
        calls_.at(0, rank).numbers.fill(*file_.windows[i].fill, window_of(map, i, rank));
      }
      memory.note_filled();
    }
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      for (std::size_t i = 0; i < file_.arguments.size(); ++i) {
        if (!is_array(file_.arguments[i].kind)) continue;
        // Allocations are symmetric; the longest array of any rank determines their size.
        const std::size_t most = calls_.max_elements(call, i);
        const DType dtype = file_.arguments[i].dtype;
        const SimWindow array =
            memory.add(fmt::format("{} ({}) of call {}", file_.arguments[i].label,
                                   name(file_.arguments[i].kind), call),
                       most * size_bytes(dtype), region_kind(file_.arguments[i].kind));
        memory.note_argument(static_cast<std::uint32_t>(i) + 1);
        for (int rank = 0; rank < ranks_; ++rank) {
          RankCall& own = calls_.at(call, rank);
          own.arrays[i] = {memory.address(array, rank), own.numbers.count(i), dtype};
          own.numbers.fill(i, own.arrays[i]);
        }
      }
    }
    make_contexts(map);
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      for (int rank = 0; rank < ranks_; ++rank) bind(map, call, rank);
    }
  }

  [[nodiscard]] View window_of(const MemoryMap& map, std::size_t window, int rank) const {
    const DType dtype = file_.windows[window].dtype;
    return {map.translate(windows_[window], 0, rank),
            setup_.window_bytes[window] / size_bytes(dtype), dtype};
  }

  // Compares the windows after the last call with what the case expects.
  void compare_windows(const MemoryMap& map, CaseRunResult& result) {
    for (std::size_t i = 0; i < windows_.size(); ++i) {
      if (!file_.windows[i].expect) continue;
      for (int rank = 0; rank < ranks_; ++rank) {
        const CaseDifference found =
            calls_.at(calls_.count() - 1, rank)
                .numbers.compare(*file_.windows[i].expect, window_of(map, i, rank));
        result.compared = true;
        double& most = result.differences[static_cast<std::size_t>(rank)];
        most = std::max(most, found.max);
        if (!found.mismatch || result.mismatch) continue;
        result.mismatch = fmt::format("rank {} window `{}` element {} is {}, expected {}", rank,
                                      file_.windows[i].name, found.mismatch->element,
                                      found.mismatch->value, found.mismatch->expected);
      }
    }
  }

  void make_contexts(const MemoryMap& map) {
    for (int rank = 0; rank < ranks_; ++rank) {
      for (std::size_t i = 0; i < std::max<std::size_t>(1, windows_.size()); ++i) {
        std::vector<std::byte*> windows;
        for (int peer = 0; peer < ranks_ && !windows_.empty(); ++peer) {
          windows.push_back(map.translate(windows_[i], 0, peer));
        }
        contexts_.emplace_back(rank, ranks_, windows,
                               windows_.empty() ? 0 : setup_.window_bytes[i]);
      }
    }
  }

  [[nodiscard]] std::int64_t context_of(int rank, std::size_t window) {
    const std::size_t each = std::max<std::size_t>(1, windows_.size());
    return contexts_[static_cast<std::size_t>(rank) * each + window].address();
  }

  // Binds a rank's arguments for one call and creates its tasks from them.
  void bind(const MemoryMap& map, std::int64_t call, int rank) {
    RankCall& part = calls_.at(call, rank);
    Bound& own = bound(call, rank);
    for (std::size_t i = 0; i < file_.arguments.size(); ++i) {
      const CaseArgument& argument = file_.arguments[i];
      if (argument.kind == ArgumentKind::window) {
        const DType dtype = file_.windows[argument.window].dtype;
        own.tensors.push_back(
            tensor_of({map.translate(windows_[argument.window], 0, rank),
                       setup_.window_bytes[argument.window] / size_bytes(dtype), dtype}));
      } else if (is_tensor(argument.kind)) {
        own.tensors.push_back(tensor_of(part.arrays[i]));
      } else if (argument.kind == ArgumentKind::scalar) {
        own.scalars.push_back(part.numbers.scalar(i));
      } else {
        own.scalars.push_back(static_cast<std::uint64_t>(context_of(rank, argument.window)));
      }
    }
    own.tasks.emplace(
        program_.tasks(own.tensors, own.scalars),
        RankTasks::Settings{.blocks = setup_.blocks,
                            .context = context_of(rank, 0),
                            .first_task = task_count_,
                            .after = call == 0 ? std::vector<std::int64_t>()
                                               : bound(call - 1, rank).tasks->numbers()});
    task_count_ += static_cast<std::int64_t>(own.tasks->count());
    part.keep_sent();
  }

  // Runs on each core of a rank. `index` counts its cores type by type, setup_.cores of each.
  void run_tasks(Core& core, int rank, int index, const std::vector<EventReader*>& readers) {
    const CoreType type = program_.core_type(index / setup_.cores);
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      core.report_call(call);
      calls_.report_contribution(readers, call, rank);
      bound(call, rank).tasks->work(core, type, program_.kernels());
    }
  }

  inline static const std::vector<EventReader*> no_readers = {};

  const CaseFile& file_;
  int ranks_;
  CaseSetup setup_;
  CaseCalls calls_;
  std::vector<Bound> bound_;  // by call, then rank
  CaseProgram program_;
  std::optional<MemoryMap> map_;         // set by prepare()
  std::vector<std::byte*> windows_;      // their addresses on rank 0
  std::vector<KernelContext> contexts_;  // by rank, then window
  std::int64_t task_count_ = 0;          // in the run so far; numbers the next task
};

}  // namespace

SubjectOutcome outcome_of(CaseRunResult result) {
  SubjectOutcome outcome = std::move(result.mismatch);
  outcome.calls = result.calls;
  outcome.outputs = std::move(result.outputs);
  return outcome;
}

CaseRunResult run_case(const CaseFile& file, const CaseRunRequest& request) {
  check_ranks(file, request.ranks);
  return CaseRun(file, request).run(request);
}

}  // namespace peal
