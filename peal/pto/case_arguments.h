// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/pto/case_file.h"
#include "peal/pto/case_node.h"

namespace peal {

// Read `args`, then `expect`, of the file's root; values, windows and orchestration are in `file`
// by then. Both throw Error.
void read_case_arguments(const CaseNode& root, CaseFile& file);
void read_case_expectation(const CaseNode& root, CaseFile& file);

}  // namespace peal
