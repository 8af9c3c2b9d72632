// SPDX-License-Identifier: Apache-2.0
#include "peal/pto/isa/shim.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "peal/base/error.h"
#include "peal/machine/dtype.h"
#include "peal/pto/include/pto_orchestration_api.h"
#include "peal/pto/load/fault_guard.h"

namespace peal {
namespace {

constexpr std::size_t max_core_tensors = 32, max_core_scalars = 16;
constexpr std::size_t max_chip_tensors = 256, max_chip_scalars = 128;

// What a run of a shim has submitted.
struct Submissions {
  std::vector<PtoTask> tasks;
  std::exception_ptr refused;  // the failure of the first invalid submission, if any
};
// Those of the shim that runs on this thread; nullptr while none runs. The shim's calls carry no
// context by which they could find it, and no core runs in a shim.
thread_local Submissions* collected = nullptr;

struct Bytes {
  std::uint64_t begin = 0, end = 0;
};

Bytes bytes_of(const ChipTensor& tensor) {
  const auto element = size_bytes(static_cast<DType>(tensor.dtype));
  return {tensor.buffer.addr + tensor.start_offset * element,
          tensor.buffer.addr + tensor.buffer.size};
}

// The reference system tracks read-after-write dependences alone: a task that reads or updates
// bytes depends on every earlier task that writes or updates them. Write-after-read and
// write-after-write create no dependence; the shim's author orders those.
bool must_follow(const PtoTask& later, const PtoTask& earlier) {
  const auto reads = [](TaskDirection direction) {
    return direction == TaskDirection::input || direction == TaskDirection::inout;
  };
  const auto writes = [](TaskDirection direction) {
    return direction == TaskDirection::output || direction == TaskDirection::inout;
  };
  for (std::size_t i = 0; i < later.tensors.size(); ++i) {
    if (!reads(later.directions[i])) continue;
    for (std::size_t j = 0; j < earlier.tensors.size(); ++j) {
      if (!writes(earlier.directions[j])) continue;
      const Bytes a = bytes_of(later.tensors[i]), b = bytes_of(earlier.tensors[j]);
      if (a.begin < b.end && b.begin < a.end) return true;
    }
  }
  return false;
}

}  // namespace

void submit_pto_task(const pto_abi::Submission* submission) {
  PEAL_CHECK(collected != nullptr);
  if (submission->tensor_count > max_core_tensors || submission->scalar_count > max_core_scalars) {
    // Reported after the shim has returned, so that its frames need not be unwound.
    if (collected->refused != nullptr) return;
    collected->refused = std::make_exception_ptr(UsageError(fmt::format(
        "orchestration at {}:{}: task of kernel {} has {} tensors and {} scalars; a core takes {} "
        "and {}",
        submission->place.file, submission->place.line, submission->function,
        submission->tensor_count, submission->scalar_count, max_core_tensors, max_core_scalars)));
    return;
  }
  PtoTask task;
  task.kernel = submission->function;
  task.core = submission->is_cube != 0 ? CoreType::aic : CoreType::aiv;
  const auto* tensors = static_cast<const ChipTensor*>(submission->tensors);
  task.tensors.assign(tensors, tensors + submission->tensor_count);
  for (std::size_t i = 0; i < submission->tensor_count; ++i) {
    task.directions.push_back(static_cast<TaskDirection>(submission->directions[i]));
  }
  task.scalars.assign(submission->scalars, submission->scalars + submission->scalar_count);
  std::vector<PtoTask>& earlier = collected->tasks;
  for (std::size_t i = 0; i < earlier.size(); ++i) {
    if (must_follow(task, earlier[i])) task.after.push_back(i);
  }
  earlier.push_back(std::move(task));
}

void fail_pto_shim(const char* sentence, pto_abi::Place place) {
  throw UsageError(fmt::format("orchestration at {}:{}: {}; see `args` of the case", place.file,
                               place.line, sentence));
}

PtoShim::PtoShim(const std::string& source, const std::string& name,
                 const std::vector<std::string>& include_folders)
    : source_(source),
      name_(name),
      object_(source, KernelLanguage::pto, {.include_folders = include_folders}) {
  for (const std::string& symbol : {name, name + "_config"}) {
    if (object_.find(symbol.c_str()) != nullptr) continue;
    throw UsageError(
        fmt::format("orchestration `{}` has no symbol `{}`; define it as extern \"C\" and visible",
                    source, symbol));
  }
}

// Runs a function of the shim. An exception other than Peal's Error is a mistake of the shim.
void PtoShim::run(const std::function<void()>& call) const {
  try {
    run_guarded("orchestration", call);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw RunError(fmt::format("orchestration `{}` throws: {}", source_, error.what()));
  } catch (...) {
    throw RunError(fmt::format("orchestration `{}` throws what is no std::exception", source_));
  }
}

std::vector<PtoTask> PtoShim::run(std::span<const ChipTensor> tensors,
                                  std::span<const std::uint64_t> scalars) const {
  if (tensors.size() > max_chip_tensors || scalars.size() > max_chip_scalars) {
    throw UsageError(fmt::format(
        "orchestration `{}` is given {} tensors and {} scalars; a chip takes {} and {}, so make "
        "`args` shorter",
        source_, tensors.size(), scalars.size(), max_chip_tensors, max_chip_scalars));
  }
  const ChipTaskArgs args(tensors.data(), tensors.size(), scalars.data(), scalars.size());
  const auto config = reinterpret_cast<PTO2OrchestrationConfig (*)(const ChipTaskArgs&)>(
      object_.find((name_ + "_config").c_str()));
  int expected = 0;
  run([&] { expected = config(args).expected_arg_count; });
  const std::size_t given = tensors.size() + scalars.size();
  if (expected < 0 || static_cast<std::size_t>(expected) != given) {
    throw UsageError(fmt::format(
        "orchestration `{}` expects {} arguments, and the case gives {}; make `args` fit", source_,
        expected, given));
  }
  Submissions submissions;
  collected = &submissions;
  struct Stop {
    ~Stop() { collected = nullptr; }
  } stop;
  run([&] { reinterpret_cast<void (*)(const ChipTaskArgs&)>(object_.find(name_.c_str()))(args); });
  if (submissions.refused != nullptr) std::rethrow_exception(submissions.refused);
  return std::move(submissions.tasks);
}

}  // namespace peal
