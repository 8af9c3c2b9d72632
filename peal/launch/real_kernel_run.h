// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "peal/launch/case_run.h"
#include "peal/machine/kernel.h"

namespace peal {

// What a real run of a kernel has shown.
struct RealKernelRun {
  CaseRunResult result;               // the report's time is of the whole run, on this host
  std::vector<std::int64_t> call_ns;  // of each call: the slowest rank's, if they were timed
};

// How the calls of a real run follow one another.
enum class RealCalls : std::uint8_t {
  back_to_back,  // as in run_kernel()
  timed,         // each begins when all ranks have met
};

// Runs the kernel for real: ranks are processes of this host over shared memory, with the buffers,
// calls and expectations of run_kernel(). Throws Error for a description that makes no sense and
// for options of simulated runs, RunError for a mistake of the kernel that ends the run.
[[nodiscard]] RealKernelRun run_kernel_for_real(const Kernel& kernel, const CaseRunRequest& request,
                                                RealCalls how = RealCalls::back_to_back);

}  // namespace peal
