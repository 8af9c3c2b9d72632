// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "out_of_slot.cpp"
