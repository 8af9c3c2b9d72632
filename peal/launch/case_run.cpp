// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/case_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "peal/base/error.h"
#include "peal/executors/sim/executor.h"
#include "peal/launch/case_calls.h"
#include "peal/launch/launch.h"
#include "peal/launch/rank_tasks.h"
#include "peal/pto/fault_guard.h"
#include "peal/pto/include/platform_comm/comm_context.h"
#include "peal/pto/include/tensor.h"
#include "peal/pto/kernel.h"
#include "peal/pto/shim.h"

namespace peal {
namespace {

// A context is as long as its team: the array of windows at its end has room for every rank.
class Context {
 public:
  explicit Context(int ranks)
      : memory_((offsetof(CommContext, windowsIn) + sizeof(CommContext) +
                 static_cast<std::size_t>(ranks) * sizeof(std::uint64_t)) /
                sizeof(std::uint64_t)) {}
  [[nodiscard]] CommContext& get() { return *reinterpret_cast<CommContext*>(memory_.data()); }
  [[nodiscard]] std::size_t size_bytes() const { return memory_.size() * sizeof(memory_[0]); }
  void set_window(int rank, const std::byte* window) {
    memory_[offsetof(CommContext, windowsIn) / sizeof(std::uint64_t) +
            static_cast<std::size_t>(rank)] = reinterpret_cast<std::uint64_t>(window);
  }

 private:
  std::vector<std::uint64_t> memory_;
};

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
        shim_(load_shim(file)) {
    for (const CaseKernel& kernel : file.kernels) {
      kernels_.emplace(kernel.id, PtoKernel(kernel.file, file.include));
      if (std::find(core_types_.begin(), core_types_.end(), kernel.core) == core_types_.end()) {
        core_types_.push_back(kernel.core);
      }
    }
  }

  [[nodiscard]] CaseRunResult run(const CaseRunRequest& request) {
    SimExecutor executor(request.target ? *request.target : simulated_target(request.platform));
    const FaultGuard guard(request.time_limit_seconds);
    CaseRunResult result;
    result.report = executor.run_cores(
        {.ranks = ranks_,
         .blocks = setup_.cores * static_cast<int>(core_types_.size()),
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
  static std::optional<PtoShim> load_shim(const CaseFile& file) {
    if (!file.orchestration) return std::nullopt;
    return PtoShim(file.orchestration->file, file.orchestration->name, file.include);
  }

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
    std::size_t next = 0;
    const MemoryMap& map = memory.map();
    const auto allocate = [&](const std::string& label, std::size_t bytes, RegionKind kind) {
      return map.base + memory.window(next++, label, bytes, 0, kind).offset;
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
    clear_pto_arguments();
    for (int rank = 0; rank < ranks_; ++rank) {
      for (std::size_t i = 0; i < std::max<std::size_t>(1, windows_.size()); ++i) {
        Context& context = contexts_.emplace_back(ranks_);
        context.get().rankId = static_cast<std::uint32_t>(rank);
        context.get().rankNum = static_cast<std::uint32_t>(ranks_);
        if (windows_.empty()) continue;
        context.get().winSize = setup_.window_bytes[i];
        for (int peer = 0; peer < ranks_; ++peer) {
          context.set_window(peer, map.translate(windows_[i], 0, peer));
        }
      }
    }
    for (Context& context : contexts_) add_pto_argument(&context.get(), context.size_bytes());
  }

  [[nodiscard]] std::int64_t context_of(int rank, std::size_t window) {
    const std::size_t each = std::max<std::size_t>(1, windows_.size());
    return reinterpret_cast<std::int64_t>(
        &contexts_[static_cast<std::size_t>(rank) * each + window].get());
  }

  [[nodiscard]] static ChipTensor tensor_of(const View& view) {
    ChipTensor tensor;
    tensor.buffer = {reinterpret_cast<std::uint64_t>(view.data), view.size_bytes()};
    tensor.shapes[0] = static_cast<std::uint32_t>(view.count);
    tensor.strides[0] = 1;
    tensor.ndims = 1;
    tensor.dtype = static_cast<std::int32_t>(view.dtype);
    return tensor;
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
    own.tasks.emplace(tasks_of(own), RankTasks::Settings{.blocks = setup_.blocks,
                                                         .context = context_of(rank, 0),
                                                         .first_task = task_count_});
    task_count_ += static_cast<std::int64_t>(own.tasks->count());
    part.keep_sent();
  }

  // What the shim submits; without one a single task of kernel 0 gets all arguments.
  [[nodiscard]] std::vector<PtoTask> tasks_of(const Bound& own) const {
    if (!shim_) {
      PtoTask task;
      task.core = file_.find_kernel(0)->core;
      task.tensors = own.tensors;
      task.scalars = own.scalars;
      return {task};
    }
    std::vector<PtoTask> tasks = shim_->run(own.tensors, own.scalars);
    for (const PtoTask& task : tasks) check_task(task);
    return tasks;
  }

  void check_task(const PtoTask& task) const {
    const CaseKernel* const kernel = file_.find_kernel(task.kernel);
    if (kernel == nullptr) {
      throw Error(fmt::format(
          "orchestration `{}` submits a task of kernel {}, which the case `{}` does not have; "
          "add a [[kernel]] with this id",
          file_.orchestration->file, task.kernel, file_.path));
    }
    if (kernel->core != task.core) {
      throw Error(fmt::format(
          "orchestration `{}` submits a task of kernel {} by rt_submit_{}_task, and the case `{}` "
          "says that its core is `{}`; make them agree",
          file_.orchestration->file, task.kernel, name(task.core), file_.path, name(kernel->core)));
    }
  }

  // `index` among the cores of the rank: as many of the first type as of the next.
  void run_tasks(Core& core, int rank, int index, const std::vector<EventReader*>& readers) {
    const CoreType type = core_types_[static_cast<std::size_t>(index / setup_.cores)];
    for (std::int64_t call = 0; call < calls_.count(); ++call) {
      calls_.report_contribution(readers, call, rank);
      bound(call, rank).tasks->work(core, type, kernels_);
    }
  }

  inline static const std::vector<EventReader*> no_readers = {};

  const CaseFile& file_;
  int ranks_;
  CaseSetup setup_;
  CaseCalls calls_;
  std::vector<Bound> bound_;  // by call, then rank
  std::optional<PtoShim> shim_;
  std::map<int, PtoKernel> kernels_;
  std::vector<CoreType> core_types_;  // that the kernels are for, in their order
  std::vector<std::byte*> windows_;   // rank 0's
  std::vector<Context> contexts_;     // by rank, then window
  std::int64_t task_count_ = 0;       // of all ranks and calls
};

}  // namespace

CaseRunResult run_case(const CaseFile& file, const CaseRunRequest& request) {
  check_ranks(file, request.ranks);
  return CaseRun(file, request).run(request);
}

}  // namespace peal
