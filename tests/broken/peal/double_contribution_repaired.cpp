// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "double_contribution.cpp"
