// SPDX-License-Identifier: Apache-2.0
#include "peal/tools/files/npy_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "peal/base/error.h"

namespace peal {
namespace {

struct Descr {
  DType dtype;
  std::string_view text;
};
constexpr Descr descrs[] = {{DType::f32, "<f4"},  {DType::f64, "<f8"}, {DType::f16, "<f2"},
                            {DType::bf16, "<V2"}, {DType::i8, "|i1"},  {DType::u8, "|u1"},
                            {DType::i16, "<i2"},  {DType::u16, "<u2"}, {DType::i32, "<i4"},
                            {DType::u32, "<u4"},  {DType::i64, "<i8"}, {DType::u64, "<u8"}};

std::string_view descr_of(DType dtype) {
  const Descr* found = std::find_if(std::begin(descrs), std::end(descrs),
                                    [&](const Descr& descr) { return descr.dtype == dtype; });
  PEAL_CHECK(found != std::end(descrs));
  return found->text;
}

class Parser {
 public:
  Parser(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  NpyHeader parse() {
    std::optional<std::string> descr;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::size_t>> shape;
    expect('{');
    while (!take('}')) {
      const std::string key = string("a key in quotes");
      expect(':');
      if (key == "descr" && !descr) {
        descr = element_type();
      } else if (key == "fortran_order" && !fortran_order) {
        fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = tuple();
      } else {
        fail("each of the keys 'descr', 'fortran_order', 'shape' once");
      }
      if (!take(',') && !at('}')) fail("`,` or `}`");
    }
    skip_space();
    if (position_ < text_.size()) fail("nothing more");
    if (!descr || !fortran_order || !shape) fail("a key 'descr', 'fortran_order' and 'shape'");
    return {std::move(*descr), *fortran_order, std::move(*shape)};
  }

 private:
  std::string element_type() {
    if (at('[')) {
      throw UsageError(fmt::format(
          "input `{}` holds records of several fields; save one field of it as an array", path_));
    }
    return string("an element type in quotes");
  }

  std::string string(const char* what) {
    const char quote = at('"') ? '"' : '\'';
    if (!take(quote)) fail(what);
    const std::size_t end = text_.find(quote, position_);
    if (end == std::string_view::npos) fail("a closing quote");
    const std::size_t begin = std::exchange(position_, end + 1);
    return std::string(text_.substr(begin, end - begin));
  }

  bool boolean() {
    skip_space();
    const bool value = text_.substr(position_).starts_with("True");
    const std::string_view word = value ? "True" : "False";
    if (!text_.substr(position_).starts_with(word)) fail("True or False");
    position_ += word.size();
    return value;
  }

  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> result;
    expect('(');
    while (!take(')')) {
      result.push_back(integer());
      // In Python a number in parentheses is a number; a tuple of one needs a comma.
      if (!take(',') && (!at(')') || result.size() == 1)) fail("`,`");
    }
    return result;
  }

  std::size_t integer() {
    skip_space();
    std::size_t value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + position_, text_.data() + text_.size(), value);
    if (error != std::errc{}) fail("an extent below 2^64");
    position_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  void skip_space() {
    position_ = std::min(text_.find_first_not_of(" \t\r\n", position_), text_.size());
  }

  bool at(char c) {
    skip_space();
    return position_ < text_.size() && text_[position_] == c;
  }

  bool take(char c) {
    if (!at(c)) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(fmt::format("`{}`", c));
  }

  [[noreturn]] void fail(std::string_view expected) const {
    throw UsageError(
        fmt::format("input `{}` has a malformed header: {} is expected at its character {} of {}; "
                    "save the array again with numpy.save",
                    path_, expected, position_ + 1, text_.size()));
  }

  const std::string& path_;
  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

NpyHeader NpyHeader::parse(const std::string& path, std::string_view text) {
  return Parser(path, text).parse();
}

DType NpyHeader::dtype(const std::string& path) const {
  const std::string_view kind =
      std::string_view(descr).substr(std::min<std::size_t>(1, descr.size()));
  std::string supported;
  for (const Descr& known : descrs) {
    supported += fmt::format("{}{}", supported.empty() ? "" : ", ", known.text);
    if (kind != known.text.substr(1)) continue;
    // One-byte types have no byte order, and a void type does not state one.
    const bool unordered = kind == "i1" || kind == "u1" || kind == "V2";
    if (descr[0] == '<' || (descr[0] == '|' && unordered)) return known.dtype;
    if (descr[0] == '>') {
      throw UsageError(fmt::format(
          "input `{}` has the big-endian element type `{}`; save array.astype(\"{}\") instead",
          path, descr, known.text));
    }
  }
  throw UsageError(fmt::format(
      "input `{}` has the element type `{}`, which Peal has not; convert it to one of {}", path,
      descr, supported));
}

std::string npy_preamble(DType dtype, std::span<const std::size_t> shape) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                                   descr_of(dtype), tuple_text(shape));
  constexpr std::size_t start_bytes = npy_magic.size() + 2 + 2;
  header.resize((start_bytes + header.size()) / 64 * 64 + 63 - start_bytes, ' ');
  header += '\n';
  PEAL_CHECK(header.size() <= 0xffff);
  std::string result(npy_magic);
  result +=
      {'\1', '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  return result + header;
}

std::string tuple_text(std::span<const std::size_t> shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

}  // namespace peal
