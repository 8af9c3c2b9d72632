// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal {

// Whether the thread sanitizer instruments this program. It knows no fences, does not see what some
// vector instructions touch, and keeps some ranges of addresses to itself.
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
