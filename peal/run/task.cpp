// SPDX-License-Identifier: Apache-2.0
#include "peal/run/task.h"

#include "peal/base/error.h"

namespace peal {

DeviceProgram::Recipe DeviceProgram::recipe() const {
  throw Error(
      "it has no recipe by which another process could make it again; define recipe(), or give a "
      "collective, a described kernel or a device function");
}

}  // namespace peal
