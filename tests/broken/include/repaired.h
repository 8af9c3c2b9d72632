// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "peal/machine/kernel.h"

// Whether this is the repaired twin: a file that defines REPAIRED and includes the wrong program.
#ifdef REPAIRED
constexpr bool repaired = true;
#else
constexpr bool repaired = false;
#endif
