// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "peal/base/api.h"
#include "peal/machine/dtype.h"
#include "peal/machine/reduce_op.h"

namespace PEAL_API peal {

// dst[i] = a[i] op b[i] for `count` elements of `dtype`; dst may be a or b. f16 and bf16 are
// combined in f32 and rounded once, to nearest even. NaN propagates, and -0 is
// less than +0; integers wrap.
void combine(DType dtype, ReduceOp op, std::byte* dst, const std::byte* a, const std::byte* b,
             std::size_t count);

// dst[i] = src[i] for `count` elements, from f16 or bf16 to f32 or back, rounded to nearest even.
void convert(DType dst_dtype, std::byte* dst, DType src_dtype, const std::byte* src,
             std::size_t count);

// The type in which elements of `dtype` are accumulated: f32 for f16 and bf16, else itself.
[[nodiscard]] constexpr DType accumulator(DType dtype) {
  return dtype == DType::f16 || dtype == DType::bf16 ? DType::f32 : dtype;
}

}  // namespace peal
