// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/team.h"

#include "peal/base/error.h"

namespace peal {

std::unique_ptr<Team> Team::split(int color, int key, SourcePlace place) {
  if (broken_) {
    throw UsageError("split: an earlier call on this team failed half-way; start a new run");
  }
  std::unique_ptr<Device> device;
  try {
    device = device_->split(color, key, place);
  } catch (...) {
    abort();
    throw;
  }
  if (device == nullptr) return nullptr;
  return std::make_unique<Team>(std::move(device), *platform_);
}

}  // namespace peal
