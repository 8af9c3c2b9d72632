// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "peal/launch/case_run.h"
#include "peal/search/check.h"

namespace peal {

inline const std::filesystem::path broken_folder = PEAL_SOURCE_DIR "/tests/broken";

// A row of tests/broken/expected.toml; README.md there says what the keys mean.
struct BrokenProgram {
  std::string program, case_file, twin, finding, source, about;
  std::vector<std::string> lines, also;
  std::vector<int> ranks;

  [[nodiscard]] bool is_peal() const { return !twin.empty(); }
};

enum class Version : bool { wrong, repaired };

[[nodiscard]] std::vector<BrokenProgram> broken_programs();

[[nodiscard]] CaseRunResult run(const BrokenProgram& program, Version version,
                                const CaseRunRequest& request);

// The program as something to check, on the platform a2a3sim. It is compiled at once.
[[nodiscard]] CheckSubject subject(const BrokenProgram& program, Version version);

// The numbers of the lines behind whose code a comment begins with that word.
[[nodiscard]] std::vector<int> marked_lines(const std::filesystem::path& source,
                                            const std::string& marker);

// How the findings differ from what the row says of this version, a sentence each; none where they
// agree. Findings of `unneeded_sync` are not looked for: they come from mutations.
[[nodiscard]] std::vector<std::string> differences(const BrokenProgram& program, Version version,
                                                   const std::vector<CheckedFinding>& findings);

}  // namespace peal
