// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/dtype.h"

#include <fmt/format.h>

#include "peal/base/error.h"

namespace peal {

const char* name(DType dtype) {
  static constexpr const char* names[] = {"f32", "f64", "f16", "bf16", "i8",  "u8",
                                          "i16", "u16", "i32", "u32",  "i64", "u64"};
  return names[static_cast<std::size_t>(dtype)];
}

bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::f16 || dtype == DType::bf16;
}

DType parse_dtype(std::string_view text) {
  std::string known;
  for (DType dtype : all_dtypes) {
    if (text == name(dtype)) return dtype;
    known += known.empty() ? "" : ", ";
    known += name(dtype);
  }
  throw UsageError(fmt::format("dtype `{}` is unknown; use one of {}", text, known));
}

}  // namespace peal
