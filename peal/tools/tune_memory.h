// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "peal/collectives/tuning/choice.h"

namespace peal {

// The folder in which `peal tune` keeps what it has measured, made if need be. Throws Error where
// nothing would be left there for the next program.
[[nodiscard]] std::filesystem::path tune_folder();

// Adds to the tune file of the folder, in place of what it says for the same conditions, and
// returns its path. Others that do so at the same time wait: nothing that they have measured is
// lost. What cannot be read is replaced, with a note on stderr.
std::filesystem::path remember_choices(const std::filesystem::path& folder,
                                       const std::vector<MeasuredChoice>& fresh);

}  // namespace peal
