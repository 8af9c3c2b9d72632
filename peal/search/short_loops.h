// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/search/checked_run.h"

namespace peal {

// Tells spin loops from racing reads. A single look that raced with a write may be a loop that
// ended with its first look, which is a wait, or a read of data, which is a race. The test is to
// run the kernel again and let the look find an invented value: a loop that the value does not end
// looks again, and everything else in the run stays as it was; a read goes on with the value. Adds
// the loops found to plan.short_loops; returns true if there are any new ones.
[[nodiscard]] bool find_short_loops(const CheckSubject& subject, const CheckRequest& request,
                                    Plan& plan, const OneRun& run);

}  // namespace peal
