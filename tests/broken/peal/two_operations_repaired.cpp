// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "two_operations.cpp"
