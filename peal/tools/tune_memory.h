// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "peal/collectives/tuning/measured_choices.h"

namespace peal {

// The folder of the tune file; created if it does not exist. Throws Error if the user has no cache
// folder.
[[nodiscard]] std::filesystem::path tune_folder();

// Merges fresh choices into the folder's tune file and returns its path; they replace those for the
// same conditions. A file lock serialises concurrent writers, so that no measurement is lost. A
// file that cannot be read is replaced, with a note.
std::filesystem::path remember_choices(const std::filesystem::path& folder,
                                       const std::vector<MeasuredChoice>& fresh);

}  // namespace peal
