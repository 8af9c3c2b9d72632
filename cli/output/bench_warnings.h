// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// Says on stderr what makes measurements of that many ranks on this host useless: too few
// processors, other work, a governor that saves power.
void warn_of_useless_figures(int ranks);

}  // namespace peal
