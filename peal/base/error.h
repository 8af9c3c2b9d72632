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

// A mistake that somebody else tells of, such as a compiler, in lines that are passed on as they
// are, behind a line of ours.
class QuotedError : public Error {
 public:
  // The whole text, as what() gives it.
  explicit QuotedError(const std::string& text) : Error(text) {}
  QuotedError(const std::string& what, const std::string& quoted)
      : Error(what + '\n' + quoted.substr(0, quoted.find_last_not_of('\n') + 1)) {}
};

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace peal

// A defect of Peal itself: says where, and aborts. Always on.
#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::peal::check_failed(#condition, __FILE__, __LINE__))
