// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "peal/chip/agenda.h"

namespace peal {

// The schedule of a run by its name: "virtual" or "random:SEED". Throws Error with the forms.
[[nodiscard]] std::unique_ptr<Agenda> make_schedule(const std::string& text);

}  // namespace peal
