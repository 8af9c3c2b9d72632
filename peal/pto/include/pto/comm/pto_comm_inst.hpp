// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "pto/comm/async_transfers.hpp"
#include "pto/comm/comm_types.hpp"
#include "pto/comm/groups.hpp"
#include "pto/comm/signals.hpp"
#include "pto/comm/transfers.hpp"
#include "pto/pto-inst.hpp"

// The communication instructions. Kernels that have opened namespace pto alone, or nothing, find
// them through their arguments.
namespace pto {
using comm::BuildAsyncSession;
using comm::TBROADCAST;
using comm::TGATHER;
using comm::TGET;
using comm::TGET_ASYNC;
using comm::TNOTIFY;
using comm::TPUT;
using comm::TPUT_ASYNC;
using comm::TREDUCE;
using comm::TSCATTER;
using comm::TTEST;
using comm::TWAIT;
}  // namespace pto
