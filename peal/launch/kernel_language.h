// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "peal/pto/load/compiler.h"

namespace peal {

// The language of a kernel's source is decided by what its object defines: a PTO kernel defines
// kernel_entry, a Peal kernel peal_kernel(). The two are compiled with different options, so a
// source is tried in one language after the other. What the text suggests is tried first: if that
// is right, as nearly always, the decision costs nothing. Comments, strings and branches that the
// preprocessor leaves out can make the suggestion wrong, but not the decision. A third language
// would be added here.

// The language that the text suggests.
[[nodiscard]] KernelLanguage suggested_language(const std::string& text);

// Calls the one of the two functions that is for the language of the source, or both. Each compiles
// and loads the source in its language; it throws MissingEntry if the object does not define what
// it should, and QuotedError if the source does not compile. If neither succeeds, throws what the
// function for the suggested language has thrown. A source that does not compile in that language
// is tried in the other only if its text leaves a doubt, since people wait for a compiler's
// message.
void load_in_its_language(const std::string& source, const std::function<void()>& as_peal,
                          const std::function<void()>& as_pto);

}  // namespace peal
