// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "peal/cases/case_file.h"
#include "peal/cases/case_node.h"

namespace peal {

// Parse `args` and `expect` of the file's root, in this order. `file` must already contain values,
// windows and orchestration. Throw Error, which names the key.
void read_case_arguments(const CaseNode& root, CaseFile& file);
void read_case_expectation(const CaseNode& root, CaseFile& file);

// Parse parts of them: the dtype and count of an array, such as `f32[64 * P]`; a `fill`; the value
// of `root`; the value of a collective's key, which is a reduction, a root or `true`.
void read_case_array(const CaseNode& node, const CaseFile& file, CaseArgument& argument);
[[nodiscard]] CaseFill read_case_fill(const CaseNode& node, const CaseFile& file);
[[nodiscard]] CaseNumber read_case_root(const CaseNode& node, const CaseFile& file);
[[nodiscard]] ExpectedCollective read_case_collective(Collective collective, const CaseNode& node,
                                                      const CaseFile& file);

}  // namespace peal
