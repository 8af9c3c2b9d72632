// SPDX-License-Identifier: Apache-2.0
#include "peal/launch/rank_tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "peal/run/kernel_failure.h"

namespace peal {
namespace {

// The slots of the argument array that hold the contexts.
constexpr std::size_t local_context = RankTasks::max_arguments;
constexpr std::size_t global_context = local_context + 1, argument_slots = 64;

// Runs a kernel; turns every exception that leaves it into a mistake of the kernel.
void run_kernel(Core& core, const PtoKernel& kernel, std::int64_t* args) {
  const auto fail = [&core](const std::string& what) {
    return KernelFailure(KernelFailure::Kind::other, core.rank(), core.index(), what,
                         FailurePlace::after(core.place()));
  };
  try {
    const KernelScope scope(core);
    kernel.run(args);
  } catch (const std::exception& error) {
    throw fail(fmt::format("it throws an exception: {}", error.what()));
  } catch (...) {
    throw fail("it throws an exception, which is no std::exception");
  }
}

}  // namespace

RankTasks::RankTasks(std::vector<PtoTask> tasks, const Settings& settings)
    : tasks_(std::move(tasks)),
      progress_(tasks_.size()),
      blocks_(settings.blocks),
      first_task_(settings.first_task),
      after_(settings.after) {
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const std::string own =
        tasks_.size() > 1 ? fmt::format("task {} of kernel {}", i, tasks_[i].kernel) : "";
    progress_[i].name = settings.name + (settings.name.empty() || own.empty() ? "" : ", ") + own;
    std::vector<std::int64_t>& args = progress_[i].args;
    for (ChipTensor& tensor : tasks_[i].tensors) {
      args.push_back(reinterpret_cast<std::int64_t>(&tensor));
    }
    for (std::uint64_t scalar : tasks_[i].scalars) {
      args.push_back(static_cast<std::int64_t>(scalar));
    }
    args.resize(argument_slots);
    args[local_context] = args[global_context] = settings.context;
    known_.emplace_back(args.data(), args.size() * sizeof(args[0]));
    const std::vector<ChipTensor>& tensors = tasks_[i].tensors;
    if (!tensors.empty()) known_.emplace_back(tensors.data(), tensors.size() * sizeof(tensors[0]));
  }
}

bool RankTasks::is_ready(const PtoTask& task) const {
  return std::all_of(task.after.begin(), task.after.end(),
                     [this](std::size_t before) { return progress_[before].completed == blocks_; });
}

// The cores of a rank are fibers of one thread, which switch only within calls of Core. Selecting a
// block and counting it as started contains no such call, so two cores never take the same block.
// An idle core computes its target, `completions_ + 1`, without a switch since it looked at the
// tasks, and waits until the counter reaches it; a completion meanwhile satisfies the wait, so none
// is lost.
void RankTasks::work(Core& core, CoreType type, const std::map<int, PtoKernel>& kernels) {
  const SourcePlace place = SourcePlace::here(SourceOrigin::runtime);
  for (;;) {
    bool all_completed = true;
    std::size_t next = tasks_.size();
    for (std::size_t i = 0; i < tasks_.size() && next == tasks_.size(); ++i) {
      all_completed = all_completed && progress_[i].completed == blocks_;
      const bool is_open = tasks_[i].core == type && progress_[i].started < blocks_;
      if (is_open && is_ready(tasks_[i])) next = i;
    }
    if (next == tasks_.size() && all_completed) {
      for (std::size_t i = 0; i < tasks_.size(); ++i) {
        core.report_task(EventKind::task_after, number(i), place);
      }
      return;
    }
    if (next == tasks_.size()) {  // only another core can make a task ready
      core.wait(&completions_, WaitCmp::reached, completions_ + 1, 1, place);
      continue;
    }
    Progress& progress = progress_[next];
    core.set_block({.index = progress.started, .count = blocks_, .type = type});
    ++progress.started;
    if (tasks_[next].after.empty()) {  // tasks with dependences follow these transitively
      for (std::int64_t before : after_) core.report_task(EventKind::task_after, before, place);
    }
    for (std::size_t before : tasks_[next].after) {
      core.report_task(EventKind::task_after, number(before), place);
    }
    core.report_task(EventKind::task_begin, number(next), place, progress.name.c_str());
    core.retire_cache();
    run_kernel(core, kernels.at(tasks_[next].kernel), progress.args.data());
    core.retire_cache();
    core.report_task(EventKind::task_end, number(next), place);
    // Release: the block counts as completed once all its stores are visible, so a dependent task
    // cannot start earlier.
    core.pipe_barrier(Pipe::all, place);
    core.dsb(place);
    core.yield();
    ++progress.completed;
    core.notify(&completions_, 1, NotifyOp::add, place);
  }
}

}  // namespace peal
