// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "no_credit.cpp"
