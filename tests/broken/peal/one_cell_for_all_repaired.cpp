// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "one_cell_for_all.cpp"
