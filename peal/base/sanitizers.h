// SPDX-License-Identifier: Apache-2.0
#pragma once

// PEAL_ADDRESS_SANITIZED and PEAL_THREAD_SANITIZED are 1 where that sanitizer instruments this
// program, else 0, whichever compiler it is.
#if defined(__has_feature)  // clang
#define PEAL_ADDRESS_SANITIZED __has_feature(address_sanitizer)
#define PEAL_THREAD_SANITIZED __has_feature(thread_sanitizer)
#else
#ifdef __SANITIZE_ADDRESS__
#define PEAL_ADDRESS_SANITIZED 1
#else
#define PEAL_ADDRESS_SANITIZED 0
#endif
#ifdef __SANITIZE_THREAD__
#define PEAL_THREAD_SANITIZED 1
#else
#define PEAL_THREAD_SANITIZED 0
#endif
#endif

namespace peal {

// True if ThreadSanitizer instruments this program. It does not support fences, does not see the
// accesses of some vector instructions, and reserves some address ranges.
inline constexpr bool is_thread_sanitized = PEAL_THREAD_SANITIZED != 0;

}  // namespace peal
