// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace peal {

// A mistake of the caller, told in one sentence: subject, values, limit, way out. The command line
// answers it with exit code 2.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An index or a range that is not within what it is of.
class OutOfRange : public Error {
 public:
  using Error::Error;
};

// A run that went wrong by itself, such as a deadlock; the text is a report of one or more lines.
// The command line answers it with exit code 1.
class RunError : public Error {
 public:
  using Error::Error;
};

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace peal

// A defect of Peal itself: says where, and aborts. Always on.
#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::peal::check_failed(#condition, __FILE__, __LINE__))
