// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/case_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "peal/base/error.h"
#include "peal/executors/sim/executor.h"
#include "peal/launch/case_calls.h"
#include "peal/launch/case_program.h"
#include "peal/launch/launch.h"
#include "peal/launch/rank_tasks.h"
#include "peal/pto/fault_guard.h"
#include "peal/pto/include/tensor.h"

namespace peal {
namespace {

// What a rank's kernels get in one call.
struct Bound {
  std::vector<ChipTensor> tensors;  // of the arguments that are tensors, in their order
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
    const MemoryMap& map = memory.map();
    const auto allocate = [&](const std::string& label, std::size_t bytes, RegionKind kind) {
      return map.base + memory.add(label, bytes, kind).offset;
    };
    for (std::size_t i = 0; i < file_.windows.size(); ++i) {
      windows_.push_back(
          allocate(file_.windows[i].name, setup_.window_bytes[i], RegionKind::window));
    }
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      for (std::size_t i = 0; i < file_.arguments.size(); ++i) {
        if (!is_array(file_.arguments[i].kind)) continue;
        // Symmetric, though ranks may have arrays of other lengths.
        const std::size_t most = calls_.most_elements(call, i);
        const DType dtype = file_.arguments[i].dtype;
        std::byte* const first =
            allocate(fmt::format("{} ({}) of call {}", file_.arguments[i].label,
                                 name(file_.arguments[i].kind), call),
                     most * size_bytes(dtype), region_kind(file_.arguments[i].kind));
        for (int rank = 0; rank < ranks_; ++rank) {
          RankCall& own = calls_.at(call, rank);
          own.arrays[i] = {map.translate(first, 0, rank), own.numbers.count(i), dtype};
          own.numbers.fill(i, own.arrays[i]);
        }
      }
    }
    make_contexts(map);
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      for (int rank = 0; rank < ranks_; ++rank) bind(map, call, rank);
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

  // Collects a rank's arguments for one call and the tasks that they make.
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
        RankTasks::Settings{
            .blocks = setup_.blocks, .context = context_of(rank, 0), .first_task = task_count_});
    task_count_ += static_cast<std::int64_t>(own.tasks->count());
    part.keep_sent();
  }

  // `index` among the cores of the rank: as many of the first type as of the next.
  void run_tasks(Core& core, int rank, int index, const std::vector<EventReader*>& readers) {
    const CoreType type = program_.core_type(index / setup_.cores);
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
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
  std::vector<std::byte*> windows_;      // rank 0's
  std::vector<KernelContext> contexts_;  // by rank, then window
  std::int64_t task_count_ = 0;          // of all ranks and calls
};

}  // namespace

CaseRunResult run_case(const CaseFile& file, const CaseRunRequest& request) {
  check_ranks(file, request.ranks);
  return CaseRun(file, request).run(request);
}

}  // namespace peal
