// SPDX-License-Identifier: Apache-2.0
#include "peal/run/task.h"

#include "peal/base/error.h"

namespace peal {

ProgramDescriptor DeviceProgram::descriptor() const {
  throw UsageError(
      "it has no descriptor by which another process could make it again; define descriptor(), or "
      "give a "
      "collective, a described kernel or a device function");
}

}  // namespace peal
