// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/calls/verb_error.h"

namespace peal {

VerbError::VerbError(const std::string& sentence, SourcePlace place)
    : UsageError(sentence + "   " + place.file + ":" + std::to_string(place.line)),
      sentence_(sentence),
      place_(FailurePlace::at(place)) {}

}  // namespace peal
