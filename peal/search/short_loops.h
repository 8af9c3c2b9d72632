// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/search/checked_run.h"

namespace peal {

// Looks of the run that would be races, and are loops that their first look has ended: they look
// again when that finds what no word holds, and all else is as before. A loop takes what it has
// found for what it waits for; a read goes on with it. Adds such loops to the plan; whether there
// are any.
[[nodiscard]] bool find_short_loops(const CheckSubject& subject, const CheckRequest& request,
                                    Plan& plan, const OneRun& run);

}  // namespace peal
