// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/base/failure_place.h"
#include "peal/base/source_place.h"

namespace peal {

// The source line of an instruction's address in a loaded object, from its debug information. For
// code of Peal's kernel headers: the line of the kernel that it was inlined into. The file is empty
// without debug information; its name lives as long as the process.
[[nodiscard]] SourcePlace source_place(const void* address);

// The same for a report; the address if there is no debug information.
[[nodiscard]] FailurePlace failure_place(const void* address);

}  // namespace peal
