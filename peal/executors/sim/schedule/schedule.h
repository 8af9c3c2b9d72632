// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "peal/chip/agenda.h"

namespace peal {

// This folder has the schedules: policies that choose the next of the enabled steps, one per file.
// Read chip/agenda.h first (why every choice is legal), then virtual_time.h (the default).
//
// Makes the schedule of that name: "virtual", "random:SEED", "pct:SEED", or a file of recorded
// choices. If `record` names a file, the choices are written there, for replay. Throws Error for an
// unknown name, with the known forms, and for a file that cannot be read or written.
[[nodiscard]] std::unique_ptr<Agenda> make_schedule(const std::string& text,
                                                    const std::string& record = "");

}  // namespace peal
