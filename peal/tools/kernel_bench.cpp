// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/kernel_bench.h"

#include "peal/launch/real_kernel_run.h"

namespace peal {
namespace {

constexpr std::int64_t warm_up = 10;
constexpr std::int64_t usual_iterations = 200;
constexpr std::int64_t usual_runs = 20;  // of a kernel that needs fresh windows

}  // namespace

// One run of many calls, or many of one, where each call needs fresh windows.
KernelTimes measure_kernel(const Kernel& kernel, int ranks,
                           std::optional<std::int64_t> iterations) {
  const bool is_fresh = kernel.calls == 1;
  const std::int64_t runs = is_fresh ? iterations.value_or(usual_runs) : 1;
  const std::int64_t calls = is_fresh ? 1 : warm_up + iterations.value_or(usual_iterations);
  KernelTimes times;
  for (std::int64_t run = 0; run < runs && !times.mismatch; ++run) {
    const RealKernelRun done =
        run_kernel_for_real(kernel, {.ranks = ranks, .calls = calls}, RealCalls::timed);
    times.calls.ns.insert(times.calls.ns.end(), done.call_ns.begin() + (is_fresh ? 0 : warm_up),
                          done.call_ns.end());
    times.compared = done.result.compared;
    times.mismatch = done.result.mismatch;
  }
  times.calls.sort();
  return times;
}

}  // namespace peal
