// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// Warns on stderr of conditions that make measurements with so many ranks meaningless: too few
// processors, other work on the host, a power-saving frequency governor.
void warn_of_useless_figures(int ranks);

}  // namespace peal
