// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "not_waited_for.cpp"
