// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "missing_contribution.cpp"
