// SPDX-License-Identifier: Apache-2.0
#define REPAIRED
#include "unwaited_notify.cpp"
