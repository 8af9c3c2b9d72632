// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "peal/chip/agenda.h"

namespace peal {

// The schedule of a run by its name: "virtual", "random:SEED", "pct:SEED", or a file of recorded
// choices. Its choices are written to the file `record`, if one is named. Throws Error with the
// forms.
[[nodiscard]] std::unique_ptr<Agenda> make_schedule(const std::string& text,
                                                    const std::string& record = "");

}  // namespace peal
