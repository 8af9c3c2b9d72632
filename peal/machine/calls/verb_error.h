// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "peal/base/error.h"
#include "peal/base/source_place.h"

namespace peal {

// A verb that is called with arguments that make no sense; the sentence ends with the line of the
// call.
class VerbError : public Error {
 public:
  VerbError(const std::string& sentence, SourcePlace place);

  [[nodiscard]] const std::string& sentence() const { return sentence_; }  // without the line
  [[nodiscard]] const std::string& where() const { return where_; }        // "file:line"

 private:
  VerbError(const std::string& sentence, const std::string& where)
      : Error(sentence + "   " + where), sentence_(sentence), where_(where) {}

  std::string sentence_, where_;
};

// A verb that is to reach a peer's memory which lies in no window.
class NotInWindow : public VerbError {
 public:
  using VerbError::VerbError;
};

}  // namespace peal
