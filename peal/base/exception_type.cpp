// SPDX-License-Identifier: Apache-2.0
#include "peal/base/exception_type.h"

#include <cxxabi.h>

#include <cstdlib>
#include <typeinfo>

namespace peal {

std::string type_of_exception() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "";
  int status = 0;
  char* const name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  std::string text = status == 0 ? name : type->name();
  std::free(name);
  return text;
}

}  // namespace peal
