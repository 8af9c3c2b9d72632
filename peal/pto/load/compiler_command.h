// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace peal {

using CommandWords = std::vector<std::string>;

// The compiler that the user has chosen: $CXX, which may include options, or g++.
struct ChosenCompiler {
  CommandWords words;
  std::string identity;  // path, size, modification time and machine: changes with an update
};
// Throws Error if no executable file has that name.
[[nodiscard]] ChosenCompiler chosen_compiler();

struct ProgramResult {
  bool succeeded = false;
  int signal = 0;        // that killed it, or 0
  std::string messages;  // stdout and stderr; the first MiB or so
};

// Runs a program, found on PATH, to its end. TMPDIR is `folder` for it and stdin is empty. Throws
// Error if it cannot be started.
[[nodiscard]] ProgramResult run_program(const CommandWords& words,
                                        const std::filesystem::path& folder);

}  // namespace peal
