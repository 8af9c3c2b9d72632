// SPDX-License-Identifier: Apache-2.0
#include "peal/machine/calls/call_record.h"

#include <fmt/format.h>

#include <algorithm>

namespace peal {
namespace {

template <std::size_t Size>
void keep(char (&to)[Size], std::string_view text) {
  std::fill_n(to, Size, '\0');
  text.copy(to, Size - 1);
}

bool is_one(const char* a, const char* b) { return std::string_view(a) == b; }

bool differ_in_algorithm(const CallRecord& a, const CallRecord& b) {
  return a.is_chosen && b.is_chosen && !is_one(a.algorithm, b.algorithm);
}

// True if anything but the algorithm differs that must be equal.
bool differ_in_values(const CallRecord& a, const CallRecord& b) {
  return !is_one(a.collective, b.collective) || a.count != b.count || a.root != b.root ||
         a.dtype != b.dtype || a.op != b.op;
}

// Mixes a number into a hash by multiplications and shifts; each bit of the result depends on many
// bits of both.
std::uint64_t mix(std::uint64_t hash, std::uint64_t number) {
  hash = (hash ^ number) * 0x9e3779b97f4a7c15u;
  hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
  return hash ^ (hash >> 32);
}

std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  for (char letter : text) hash = mix(hash, static_cast<unsigned char>(letter));
  return mix(hash, text.size());
}

// The values of `call` that differ from those of `other`, such as "count 3 and type f32".
std::string values(const CallRecord& call, const CallRecord& other) {
  std::string text;
  const auto add = [&](const std::string& value) { text += (text.empty() ? "" : " and ") + value; };
  if (call.count != other.count) add(fmt::format("count {}", call.count));
  if (call.dtype != other.dtype) add(fmt::format("type {}", name(call.dtype)));
  if (call.op != other.op) add(fmt::format("operation {}", name(call.op)));
  if (call.root != other.root) add(fmt::format("root {}", call.root));
  if (text.empty()) add(fmt::format("algorithm {}", call.algorithm));
  if (call.is_in_place != other.is_in_place) text += call.is_in_place ? ", in place" : ", apart";
  return text;
}

std::string place(const CallRecord& call) { return fmt::format("({}:{})", call.file, call.line); }

}  // namespace

void set_names(CallRecord& call, std::string_view collective, std::string_view algorithm) {
  keep(call.collective, collective);
  keep(call.algorithm, algorithm);
}

void set_place(CallRecord& call, SourcePlace place) {
  std::string_view file = place.file;
  if (file.size() >= CallRecord::max_file) {
    file.remove_prefix(file.size() - CallRecord::max_file + 1);
    file.remove_prefix(std::min(file.find('/') + 1, file.size()));
  }
  keep(call.file, file);
  call.line = place.line;
}

std::uint64_t stamp_of(const CallRecord& call) {
  std::uint64_t hash = mix(0, call.collective);
  hash = mix(hash, call.algorithm);
  hash = mix(hash, call.count);
  hash = mix(hash, static_cast<std::uint32_t>(call.root));
  hash =
      mix(hash, static_cast<std::uint64_t>(call.dtype) << 8 | static_cast<std::uint64_t>(call.op));
  return hash >> stamp_shift << stamp_shift;
}

// One call maps history x to x * factor + term, an affine map. Applying such a map twice is an
// affine map again, with factor^2 and term * factor + term, so `times` calls take log2(times) steps
// of repeated squaring.
std::uint64_t history_after(std::uint64_t history, std::uint64_t stamp, std::uint64_t times) {
  std::uint64_t term = history_after(0, stamp), factor = history_after(1, 0);
  for (; times > 0; times /= 2) {
    if (times % 2 == 1) history = history * factor + term;
    term += term * factor;
    factor *= factor;
  }
  return history;
}

std::string describe(const CallRecord& call) {
  return fmt::format("{} {}", call.collective, place(call));
}

bool differ(const CallRecord& a, const CallRecord& b) {
  return differ_in_values(a, b) || differ_in_algorithm(a, b);
}

std::string describe_difference(const CallOfRank& one, const CallOfRank& other) {
  const CallOfRank& first = one.rank <= other.rank ? one : other;
  const CallOfRank& second = one.rank <= other.rank ? other : one;
  const CallRecord &a = first.call, &b = second.call;
  if (!is_one(a.collective, b.collective)) {
    return fmt::format(
        "{}: rank {} calls it {} where rank {} calls {} {}; all ranks of a team make the same "
        "calls in the same order",
        a.collective, first.rank, place(a), second.rank, b.collective, place(b));
  }
  const char* const also =
      differ_in_values(a, b) ? "" : ", each with buffers in windows on all ranks or on none";
  return fmt::format(
      "{}: rank {} calls it with {} {}, rank {} with {} {}; all ranks of a team make the same "
      "call{}",
      a.collective, first.rank, values(a, b), place(a), second.rank, values(b, a), place(b), also);
}

}  // namespace peal
