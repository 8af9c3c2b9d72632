// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// True if ThreadSanitizer instruments this program. It does not support fences, does not see the
// accesses of some vector instructions, and reserves some address ranges.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool is_thread_sanitized = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool is_thread_sanitized = true;
#else
inline constexpr bool is_thread_sanitized = false;
#endif
#else
inline constexpr bool is_thread_sanitized = false;
#endif

}  // namespace peal
