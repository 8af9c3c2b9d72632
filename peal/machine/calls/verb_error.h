// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/base/error.h"
#include "peal/base/failure_place.h"
#include "peal/base/source_place.h"

namespace peal {

// Thrown for a verb with invalid arguments. what() is a sentence that ends with the place of the
// call.
class VerbError : public UsageError {
 public:
  VerbError(const std::string& sentence, SourcePlace place);

  [[nodiscard]] const std::string& sentence() const { return sentence_; }  // without the place
  [[nodiscard]] const FailurePlace& place() const { return place_; }

 private:
  std::string sentence_;
  FailurePlace place_;
};

// Thrown for a verb on a peer's memory outside of its windows.
class NotInWindow : public VerbError {
 public:
  using VerbError::VerbError;
};

}  // namespace peal
