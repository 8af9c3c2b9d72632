// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "peal/base/api.h"
#include "peal/launch/case_run.h"
#include "peal/machine/kernel.h"

namespace PEAL_API peal {

// The result of a real run.
struct RealKernelRun {
  CaseRunResult result;               // the report's time covers the whole run
  std::vector<std::int64_t> call_ns;  // per call, the slowest rank's time; empty unless timed
};

// How the calls of a real run follow one another.
enum class RealCalls : std::uint8_t {
  back_to_back,  // as in run_kernel()
  timed,         // a barrier precedes each call
};

// Runs the kernel for real: ranks are processes of this host that share memory. Buffers, calls and
// expectations are those of run_kernel(). Throws Error for an invalid description and for options
// that only a simulation has, RunError for a mistake of the kernel.
[[nodiscard]] RealKernelRun run_kernel_for_real(const Kernel& kernel, const CaseRunRequest& request,
                                                RealCalls how = RealCalls::back_to_back);

}  // namespace peal
