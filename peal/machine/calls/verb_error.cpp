// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/calls/verb_error.h"

namespace peal {

VerbError::VerbError(const std::string& sentence, SourcePlace place)
    : VerbError(sentence, std::string(place.file) + ":" + std::to_string(place.line)) {}

}  // namespace peal
