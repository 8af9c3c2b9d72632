// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

#include "peal/base/api.h"

namespace PEAL_API peal {

// peal/base holds what all other folders use: errors, units, source places, text and file helpers,
// process/ (watched child processes) and memory/ (address ranges). Read this header first, then
// process/watched_process.h, which has the folder's only protocol.
//
// The base of all exceptions that Peal throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A mistake of the caller, in one sentence: subject, values, limit, way out. The command line exits
// with code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

// A run that failed, such as by a deadlock; the text is a report of one or more lines. The command
// line exits with code 1.
class RunError : public Error {
 public:
  using Error::Error;
};

// An index or a range that is out of bounds.
class OutOfRange : public UsageError {
 public:
  using UsageError::UsageError;
};

// A mistake that another program reports, such as a compiler: a line of ours, and then its output,
// unchanged.
class QuotedError : public UsageError {
 public:
  // From the whole text of another QuotedError, as what() returns it.
  explicit QuotedError(const std::string& text) : UsageError(text) {}
  QuotedError(const std::string& what, const std::string& quoted)
      : UsageError(what + '\n' + quoted.substr(0, quoted.find_last_not_of('\n') + 1)) {}
};

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace peal

// Asserts a condition that only a defect of Peal can violate: prints the place and aborts. Enabled
// in all builds.
#define PEAL_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::peal::check_failed(#condition, __FILE__, __LINE__))
